/**
 * Lookups in an index-header that is in memory: symbols, label names and values, and where the postings of a label pair are. Over
 * the bytes there is one number for 32 symbols and one for 32 label pairs, and no object for any of them.
 *
 * A postings offset table is sorted by the bytes of name and value in version 2, and not in version 1, where every entry gets a number.
 */
import { corrupt } from './binary.ts'
import type { IndexEnds, IndexHeader } from './index-header.ts'

/** One number for so many symbols and label pairs. */
const STEP = 32

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const NOTHING = new Uint8Array(0)

/** Where the section of a postings list is in the index, length and checksum included; more bytes may stand behind it. */
export interface PostingsRange {
  readonly offset: number
  readonly end: number
}

/** Bytes of a text within the header. */
interface TextRange {
  readonly from: number
  readonly to: number
}

interface Entry {
  readonly name: TextRange
  readonly value: TextRange
  /** Where its postings begin in the index. */
  readonly postings: number
  /** Where the next entry begins in the header. */
  readonly next: number
}

export class IndexLookup {
  readonly index: IndexEnds
  readonly #bytes: Uint8Array
  /** From an offset in the index to one in the file, of symbols. */
  readonly #symbolShift: number
  readonly #symbolStarts: Uint32Array
  readonly #symbolCount: number
  readonly #entryStarts: Uint32Array
  readonly #entryStep: number
  readonly #entryCount: number
  /** Of version 1: where each list begins, ascending, for the ends of lists. */
  readonly #lists: Float64Array | undefined

  /**
   * @param bytes the whole file, which must stay as it is
   * @param header what `checkIndexHeader` said of it: each offset and length in it was checked then
   */
  constructor(bytes: Uint8Array, header: IndexHeader) {
    const { index, symbols, postingsTable } = header
    this.index = index
    this.#bytes = bytes
    this.#symbolShift = symbols.offset - index.toc.symbols
    this.#symbolCount = symbols.count
    this.#entryCount = postingsTable.count
    this.#symbolStarts = new Uint32Array(Math.ceil(symbols.count / STEP))
    let at = symbols.offset + 8
    for (let i = 0; i < symbols.count; i++) {
      if (i % STEP === 0) this.#symbolStarts[i / STEP] = at
      at = this.#behindText(at)
    }
    const isSorted = index.version === 2
    this.#entryStep = isSorted ? STEP : 1
    this.#entryStarts = new Uint32Array(Math.ceil(postingsTable.count / this.#entryStep))
    if (!isSorted) this.#lists = new Float64Array(postingsTable.count)
    let before: Entry | undefined
    at = postingsTable.offset + 8
    for (let i = 0; i < postingsTable.count; i++) {
      if (i % this.#entryStep === 0) this.#entryStarts[i / this.#entryStep] = at
      const entry = this.#entry(at)
      if (this.#lists) this.#lists[i] = entry.postings
      // A look-up in a table that is not in order would miss what is there.
      else if (before && this.#compareEntries(before, entry) >= 0)
        throw corrupt(`index-header: entry ${i} of the postings offset table`, 'be behind the one before it', 'not')
      before = entry
      at = entry.next
    }
    if (!isSorted) this.#entryStarts.sort((a, b) => this.#compareEntries(this.#entry(a), this.#entry(b)))
    this.#lists?.sort()
  }

  /** Bytes of the file, and of what is held beside it. */
  get bytes(): number {
    return this.#bytes.length + this.overhead
  }

  /** Bytes that are held beside the file. */
  get overhead(): number {
    return this.#symbolStarts.byteLength + this.#entryStarts.byteLength + (this.#lists?.byteLength ?? 0)
  }

  /**
   * The symbol of a reference in a series entry: in version 2 its number, in version 1 its offset in the index.
   *
   * @throws BlockgateError `corrupt-block` where there is none
   */
  symbol(ref: number): string {
    return decoder.decode(this.symbolBytes(ref))
  }

  /** The UTF-8 bytes of a symbol: a view into the file. @throws BlockgateError as `symbol` */
  symbolBytes(ref: number): Uint8Array {
    const { version } = this.index
    const start = version === 2 ? this.#symbolByNumber(ref) : this.#symbolAt(ref + this.#symbolShift)
    if (start === undefined) throw corrupt('series: symbol', `be one of ${this.#symbolCount}`, ref)
    const { from, to } = this.#text(start)
    return this.#bytes.subarray(from, to)
  }

  /** Where the postings of `name="value"` are; undefined where no series has the pair. All series have `("", "")`. */
  postings(name: string, value: string): PostingsRange | undefined {
    const wanted = [encoder.encode(name), encoder.encode(value)] as const
    const at = this.#lowerBound(wanted[0], wanted[1])
    if (at === undefined) return undefined
    const entry = this.#entry(at.offset)
    if (this.#compare(entry.name, wanted[0]) !== 0 || this.#compare(entry.value, wanted[1]) !== 0) return undefined
    return this.#range(entry, at.number)
  }

  /** The label names, in the order of their bytes, but for the empty one of all series. */
  labelNames(): readonly string[] {
    const names: string[] = []
    let at = this.#lowerBound(Uint8Array.of(0), NOTHING)
    while (at !== undefined) {
      const { name } = this.#entry(at.offset)
      const bytes = this.#bytes.subarray(name.from, name.to)
      names.push(decoder.decode(bytes))
      // The smallest name behind this one.
      at = this.#lowerBound(Uint8Array.of(...bytes, 0), NOTHING)
    }
    return names
  }

  /**
   * Calls `visit` for each value of a label that begins with `prefix`, in the order of their bytes, with where its postings are.
   *
   * @param value the UTF-8 bytes, a view into the file
   */
  eachValue(name: string, visit: (value: Uint8Array, postings: () => PostingsRange) => void, prefix = ''): void {
    const wanted = encoder.encode(name)
    const start = encoder.encode(prefix)
    let at = this.#lowerBound(wanted, start)
    while (at !== undefined) {
      const { number } = at
      const entry = this.#entry(at.offset)
      if (this.#compare(entry.name, wanted) !== 0) return
      const { from, to } = entry.value
      if (this.#compare({ from, to: Math.min(to, from + start.length) }, start) !== 0) return
      visit(this.#bytes.subarray(entry.value.from, entry.value.to), () => this.#range(entry, number))
      at = this.#after(at)
    }
  }

  #symbolByNumber(number: number): number | undefined {
    if (number >= this.#symbolCount) return undefined
    let at = this.#symbolStarts[Math.floor(number / STEP)] as number
    for (let i = number % STEP; i > 0; i--) at = this.#behindText(at)
    return at
  }

  /** `offset` where a symbol begins there. */
  #symbolAt(offset: number): number | undefined {
    const group = firstAfter(this.#symbolStarts, offset) - 1
    if (group < 0) return undefined
    let at = this.#symbolStarts[group] as number
    for (let i = group * STEP; i < this.#symbolCount && at < offset; i++) at = this.#behindText(at)
    return at === offset ? at : undefined
  }

  /** The first entry that is not before the pair, with its place in the order. */
  #lowerBound(name: Uint8Array, value: Uint8Array): { readonly offset: number; readonly number: number } | undefined {
    const isBefore = (offset: number) => {
      const entry = this.#entry(offset)
      return (this.#compare(entry.name, name) || this.#compare(entry.value, value)) < 0
    }
    const starts = this.#entryStarts
    let low = 0
    for (let high = starts.length; low < high; ) {
      const middle = (low + high) >>> 1
      if (isBefore(starts[middle] as number)) low = middle + 1
      else high = middle
    }
    // The entry before the first that is not before it, and then its neighbours one by one.
    let at: { offset: number; number: number } | undefined =
      low === 0 ? this.#first() : { offset: starts[low - 1] as number, number: (low - 1) * this.#entryStep }
    while (at !== undefined && isBefore(at.offset)) at = this.#after(at)
    return at
  }

  #first() {
    return this.#entryCount > 0 ? { offset: this.#entryStarts[0] as number, number: 0 } : undefined
  }

  #after({ offset, number }: { readonly offset: number; readonly number: number }) {
    const next = number + 1
    if (next >= this.#entryCount) return undefined
    if (this.#entryStep === 1) return { offset: this.#entryStarts[next] as number, number: next }
    return { offset: this.#entry(offset).next, number: next }
  }

  /** A list ends where the next one begins; the last, where the postings end. */
  #range({ postings, next }: Entry, number: number): PostingsRange {
    const { toc } = this.index
    const last = toc.labelIndicesTable > postings ? toc.labelIndicesTable : toc.postingsTable
    const lists = this.#lists
    const end = lists
      ? lists[firstAfter(lists, postings)]
      : number + 1 < this.#entryCount
        ? this.#entry(next).postings
        : undefined
    if (end !== undefined && end <= postings) throw corrupt(`postings at ${postings}`, 'end behind their begin', end)
    return { offset: postings, end: end ?? last }
  }

  #entry(at: number): Entry {
    // The number of texts stands first: 2.
    const name = this.#text(at + 1)
    const value = this.#text(name.to)
    const [postings, next] = this.#uvarint(value.to)
    return { name, value, postings, next }
  }

  #text(at: number): TextRange {
    const [length, from] = this.#uvarint(at)
    return { from, to: from + length }
  }

  /** `#text(at).to`, of which a query needs thirty for each symbol. */
  #behindText(at: number): number {
    const bytes = this.#bytes
    const first = bytes[at] as number
    return first < 128 ? at + 1 + first : this.#text(at).to
  }

  #uvarint(at: number): readonly [value: number, next: number] {
    let value = 0
    let scale = 1
    for (let i = at; ; i++, scale *= 128) {
      const byte = this.#bytes[i] as number
      value += (byte & 127) * scale
      if (byte < 128) return [value, i + 1]
    }
  }

  #compareEntries(a: Entry, b: Entry): number {
    const text = ({ from, to }: TextRange) => this.#bytes.subarray(from, to)
    return this.#compare(a.name, text(b.name)) || this.#compare(a.value, text(b.value))
  }

  /** By unsigned bytes: the order of UTF-16 is another one. */
  #compare({ from, to }: TextRange, other: Uint8Array): number {
    const length = Math.min(to - from, other.length)
    for (let i = 0; i < length; i++) {
      const difference = (this.#bytes[from + i] as number) - (other[i] as number)
      if (difference !== 0) return difference
    }
    return to - from - other.length
  }
}

/** The place of the first of ascending `numbers` that is greater than `value`. */
function firstAfter(numbers: Uint32Array | Float64Array, value: number): number {
  let low = 0
  for (let high = numbers.length; low < high; ) {
    const middle = (low + high) >>> 1
    if ((numbers[middle] as number) <= value) low = middle + 1
    else high = middle
  }
  return low
}
