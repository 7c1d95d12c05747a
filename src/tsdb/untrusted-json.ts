/** JSON from untrusted bytes; and where it is none, what was found instead: short, and on one line. */

/** @throws Error whose message completes "must be JSON: ": `it is gzip`, `it ends at byte 200` */
export function parseJson(bytes: Uint8Array): unknown {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new Error(foundBytes(bytes) ?? 'it is not UTF-8', { cause })
  }
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new Error(foundBytes(bytes) ?? foundText(text, bytes.length, cause), { cause })
  }
}

const MAGIC: readonly (readonly [what: string, ...start: number[]])[] = [
  ['gzip', 0x1f, 0x8b],
  ['zstd', 0x28, 0xb5, 0x2f, 0xfd],
  ['bzip2', 0x42, 0x5a, 0x68],
  ['xz', 0xfd, 0x37, 0x7a, 0x58, 0x5a],
  ['zip', 0x50, 0x4b, 0x03, 0x04],
  ['UTF-16', 0xff, 0xfe],
  ['UTF-16', 0xfe, 0xff],
  ['UTF-16', 0x7b, 0x00],
  ['UTF-16', 0x00, 0x7b],
]
/** Of what was found, so much is shown. */
const SHOWN = 40

function foundBytes(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return 'it is empty'
  if (bytes.every(byte => byte === 0)) return `it is ${bytes.length} bytes of zero`
  const kind = MAGIC.find(([, ...start]) => start.every((byte, at) => bytes[at] === byte))
  return kind && `it is ${kind[0]}`
}

function foundText(text: string, length: number, error: unknown): string {
  const trimmed = text.trim()
  if (trimmed === '') return 'it is blank'
  const [tag] = /^<[^>]{0,40}>?/.exec(trimmed) ?? []
  if (tag !== undefined) return `it begins with ${tag.replace(/[^\x20-\x7e]+/g, ' ')}`
  // V8 names the place in most of its messages, and in each about an end that comes too early.
  const place = /at position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1]
  if (/^[{[]/.test(trimmed) && (place === undefined || Number(place) >= text.length) && isOpen(text)) {
    return `it ends at byte ${length}`
  }
  // Of a wrong word such as NaN, V8 quotes what stands around it instead.
  const around = /, (?:\.\.\.)?"(.+?)"(?:\.\.\.)? is not valid JSON$/s.exec(
    error instanceof Error ? error.message : '',
  )?.[1]
  if (place === undefined && around && /^[{[]/.test(trimmed)) return `it goes wrong at ${JSON.stringify(around)}`
  if (place === undefined) return `it begins with ${JSON.stringify(trimmed.slice(0, SHOWN))}`
  return `it goes wrong at character ${place}: ${JSON.stringify(text.slice(Number(place), Number(place) + SHOWN))}`
}

/** True where the end is inside an object, an array or a string. */
function isOpen(text: string): boolean {
  let depth = 0
  let quoted = false
  for (let i = 0; i < text.length; i++) {
    const c = text[i]
    if (quoted) {
      if (c === '\\') i++
      else if (c === '"') quoted = false
    } else if (c === '"') quoted = true
    else if (c === '{' || c === '[') depth++
    else if (c === '}' || c === ']') depth--
  }
  return quoted || depth > 0
}
