/**
 * Parts of a bucket that are listed side by side. A ULID begins with its time, so a time divides the keys: what lies below `<10 characters
 * of a time>` and what lies behind. The parts cover all keys, also those that are no blocks, and no block lies in two of them.
 */
import { folderOf } from './listed.ts'

/** Keys behind `after`, up to `until`; undefined has no end on that side. Both are times of ULIDs, and no keys themselves. */
export interface Range {
  readonly after: string | undefined
  until: string | undefined
  /** Pages to list before it is divided: fewer follow, as far as that is known. */
  pages: number
}

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const TIME_CHARS = 10

/** The time of the block in whose folder `key` lies, in ms; undefined for every other key. */
export function timeOf(key: string | undefined): number | undefined {
  if (key === undefined || folderOf(key) === undefined) return undefined
  let time = 0
  for (let i = 0; i < TIME_CHARS; i++) time = time * 32 + ALPHABET.indexOf(key.charAt(i))
  return time
}

/** `time` as ULIDs begin with it. */
export function boundary(time: number): string {
  let text = ''
  for (let rest = Math.floor(time); text.length < TIME_CHARS; rest = Math.floor(rest / 32)) {
    text = ALPHABET.charAt(rest % 32) + text
  }
  return text
}

/** Where fewer pages than that are left, by the times of the last one, it is not worth a request to divide them. */
const PAGES_LEFT = 2

/**
 * Where to divide what is left of a range behind a page with the keys `from` to `to`. `now` is the time that no block is expected behind.
 * Undefined where that would not help.
 */
export function middle(
  range: Pick<Range, 'until'>,
  from: string | undefined,
  to: string | undefined,
  now: number,
): string | undefined {
  const [first, last] = [timeOf(from), timeOf(to)]
  const end = range.until === undefined ? now : timeOf(`${range.until}${'0'.repeat(16)}/`)
  if (first === undefined || last === undefined || end === undefined) return undefined
  if (end - last < PAGES_LEFT * (last - first)) return undefined
  const at = Math.floor((last + end) / 2)
  // The block at the end of the page may go on: its time must not be the one that divides.
  return at > last ? boundary(at) : undefined
}

/** Of a page of 1,000 objects. */
const BLOCKS_OF_PAGE = 333
/** Blocks of a part, at least, where a bucket is divided from the start: two pages. */
const BLOCKS = 700
/** So many of the known blocks are looked at: enough for parts that are equal within a few percent. */
const SAMPLE = 2048

/**
 * At most `most` parts with equally many of the `count` known blocks. One that has become twice as long is divided. Of a bucket of which
 * nothing is known the first two pages show whether it is a large one.
 */
export function rangesOf(known: Iterable<string>, count: number, most: number): readonly Range[] {
  const parts = Math.min(most, Math.floor(count / BLOCKS))
  const pages = count === 0 ? 2 : 2 + Math.ceil((2 * count) / (Math.max(1, parts) * BLOCKS_OF_PAGE))
  if (parts < 2) return [{ after: undefined, until: undefined, pages }]
  const step = Math.max(1, Math.floor(count / SAMPLE))
  const sample: string[] = []
  let i = 0
  for (const id of known) if (i++ % step === 0) sample.push(id.slice(0, TIME_CHARS))
  sample.sort()
  const ends = new Set<string>()
  for (let part = 1; part < parts; part++) ends.add(sample[Math.floor((part * sample.length) / parts)] ?? '')
  const bounds = [undefined, ...ends, undefined]
  return bounds.slice(1).map((until, at) => ({ after: bounds[at], until, pages }))
}
