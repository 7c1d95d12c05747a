// Draws docs/pictures/trace-move.svg from the recorded spans beside it. --check: says whether it is what would be drawn.
import { readFileSync, writeFileSync } from 'node:fs'

const PICTURES = new URL('../docs/pictures/', import.meta.url)
const [NAMES, WIDTH, ROW, TOP] = [300, 900, 22, 34]
const INSTANCE = 'blockgate.instance.id'

/** A waterfall: a row for each span, children below their parent, in the order of their begin. */
export function waterfall(spans) {
  const byId = new Map(spans.map(span => [span.spanId, span]))
  const rows = []
  const walk = (span, depth, gateway) => {
    const own = span.attributes[INSTANCE] ?? gateway
    rows.push({ span, depth, gateway: own })
    const below = spans.filter(other => other.parentSpanId === span.spanId)
    for (const child of below.sort((a, b) => a.start - b.start)) walk(child, depth + 1, own)
  }
  for (const span of spans) if (!byId.has(span.parentSpanId)) walk(span, 0, '')
  const first = Math.min(...spans.map(({ start }) => start))
  const last = Math.max(...spans.map(({ end }) => end))
  const gateways = [...new Set(rows.map(({ gateway }) => gateway))]
  const x = at => NAMES + ((at - first) / (last - first)) * (WIDTH - NAMES - 80)
  const height = TOP + rows.length * ROW + 10
  const lines = rows.map(({ span, depth, gateway }, at) => {
    const [from, width, y] = [x(span.start), Math.max(x(span.end) - x(span.start), 2), TOP + at * ROW]
    const ms = span.end - span.start
    const took = ms < 10 ? ms.toFixed(1) : ms.toFixed(0)
    const name = `${span.name}${span.attributes[INSTANCE] ? ` (${gateway})` : ''}`
    return [
      `<text x="${8 + depth * 14}" y="${y + 15}">${escaped(name)}</text>`,
      `<rect class="g${gateways.indexOf(gateway)}" x="${from.toFixed(1)}" y="${y + 4}" width="${width.toFixed(1)}" height="14" rx="2"/>`,
      `<text class="t" x="${(from + width + 5).toFixed(1)}" y="${y + 15}">${took} ms</text>`,
    ].join('\n')
  })
  const style =
    'text{font:13px sans-serif;fill:#222}.t{font-size:11px;fill:#666}.g0{fill:#2f6fb3}.g1{fill:#c46a1b}.b{fill:#fff}' +
    '@media(prefers-color-scheme:dark){text{fill:#ddd}.t{fill:#aaa}.g0{fill:#6ba6e0}.g1{fill:#e89a52}.b{fill:#161b22}}'
  const keys = gateways.map((gateway, i) => {
    const at = NAMES + i * 90
    return `<rect class="g${i}" x="${at}" y="9" width="12" height="12"/><text x="${at + 18}" y="20">${escaped(gateway)}</text>`
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="The spans of a move">`,
    '<title>The spans of a move</title>',
    `<style>${style}</style>`,
    `<rect class="b" width="${WIDTH}" height="${height}"/>`,
    ...keys,
    ...lines,
    '</svg>',
    '',
  ].join('\n')
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

if (import.meta.main) {
  const made = waterfall(JSON.parse(readFileSync(new URL('trace-move.json', PICTURES), 'utf8')))
  const file = new URL('trace-move.svg', PICTURES)
  if (!process.argv.includes('--check')) writeFileSync(file, made)
  else if (readFileSync(file, 'utf8') !== made) {
    console.error('docs/pictures/trace-move.svg must be what its spans say: run node scripts/make-trace-pictures.mjs')
    process.exitCode = 1
  }
}
