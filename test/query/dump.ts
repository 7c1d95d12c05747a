/** What `promtool tsdb dump` prints: a line for each float, `{labels} value time`. */
import { compareLabels } from '../support/block-files.ts'
import type { ReadSeries } from './naive-reader.ts'

/** A text as Go quotes it. */
const LABEL = /([\p{L}\p{N}_.:\p{S}]+)="((?:[^"\\]|\\.)*)"/gu

/** The series in the order of a query's; of each sample `time value`. */
export function dumpedIn(text: string): readonly ReadSeries[] {
  const all = new Map<string, [time: number, text: string][]>()
  for (const line of text.split('\n')) {
    if (line === '') continue
    const [, labels = '', value = '', time = ''] = /^\{(.*)\} (\S+) (-?\d+)$/.exec(line) ?? []
    const key = JSON.stringify([...labels.matchAll(LABEL)].map(([, name, quoted = '']) => [name, unquoted(quoted)]))
    const sample: [number, string] = [Number(time), `${time} ${numberText(Number(value.replace('Inf', 'Infinity')))}`]
    const known = all.get(key)
    if (known) known.push(sample)
    else all.set(key, [sample])
  }
  return [...all]
    .map(([key, samples]) => ({
      labels: JSON.parse(key) as [string, string][],
      floats: samples.sort(([a], [b]) => a - b).map(([, each]) => each),
      histograms: [],
    }))
    .sort((a, b) => compareLabels(a.labels, b.labels))
}

/** The floats of a series, as `dumpedIn` has them. */
export function numbersOf(floats: readonly string[]): readonly string[] {
  const view = new DataView(new ArrayBuffer(8))
  return floats.map(each => {
    const [time = '', bits = ''] = each.split(' ')
    view.setBigUint64(0, BigInt(`0x${bits}`))
    return `${time} ${numberText(view.getFloat64(0))}`
  })
}

/** Each NaN is one: a dump does not show its bits. */
function numberText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}

const PLAIN: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }

function unquoted(quoted: string): string {
  return quoted.replace(/\\(?:x(..)|u(....)|U(.{8})|(.))/gu, (_, x?: string, u?: string, long?: string, plain = '') => {
    const code = x ?? u ?? long
    return code === undefined ? (PLAIN[plain] ?? plain) : String.fromCodePoint(Number.parseInt(code, 16))
  })
}
