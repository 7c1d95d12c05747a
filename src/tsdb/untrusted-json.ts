/** JSON from untrusted bytes; and where it is none, what was found instead: short, and on one line. */
import { rawMessageOf } from '../contracts/errors.ts'

/** @throws Error whose message completes "must be JSON: ": `it is gzip`, `it ends at byte 200` */
export function parseJson(bytes: Uint8Array): unknown {
  let text: string | undefined
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return JSON.parse(text)
  } catch (cause) {
    const found = text === undefined ? 'it is not UTF-8' : foundText(text, bytes.length, rawMessageOf(cause))
    throw new Error(foundBytes(bytes) ?? found, { cause })
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
/** So many characters of what was found are shown. */
const SHOWN = 40

function foundBytes(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return 'it is empty'
  if (bytes.every(byte => byte === 0)) return `it is ${bytes.length} bytes of zero`
  const kind = MAGIC.find(([, ...start]) => start.every((byte, at) => bytes[at] === byte))
  return kind && `it is ${kind[0]}`
}

/** `error` is what V8 says, on which every supported runtime is built. */
function foundText(text: string, length: number, error: string): string {
  const trimmed = text.trim()
  if (trimmed === '') return 'it is blank'
  const tag = /^<[^>]{0,40}>?/.exec(trimmed)?.[0]
  if (tag !== undefined) return `it begins with ${tag.replace(/[^\x20-\x7e]+/g, ' ')}`
  const place = Number(/at position (\d+)/.exec(error)?.[1])
  const isDocument = /^[{[]/.test(trimmed)
  if (isDocument && (place >= text.length || error.startsWith('Unexpected end'))) return `it ends at byte ${length}`
  if (place >= 0) return `it goes wrong at character ${place}: ${JSON.stringify(text.slice(place, place + SHOWN))}`
  // For a wrong word such as NaN, V8 quotes the text around it, and gives no place.
  const around = isDocument && /, (?:\.\.\.)?"(.+?)"(?:\.\.\.)? is not valid JSON$/s.exec(error)?.[1]
  return around
    ? `it goes wrong at ${JSON.stringify(around)}`
    : `it begins with ${JSON.stringify(trimmed.slice(0, SHOWN))}`
}
