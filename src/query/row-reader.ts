/** The series of one block, one after the other, from what was read of its index. */
import type { IndexLookup } from '../tsdb/index-lookup.ts'
import type { IndexVersion } from '../tsdb/index-toc.ts'
import { SeriesRow, seriesOffset } from '../tsdb/series.ts'
import type { BlockSeries } from './block-series.ts'
import { type Deleted, type Deletions, isDeleted } from './deleted.ts'
import { type Label, withExternal } from './labels.ts'
import type { PartCursor } from './runs.ts'

export interface RowReaderOptions {
  /** Names the index in errors. */
  readonly index: string
  readonly lookup: IndexLookup
  readonly cursor: PartCursor
  /** External ones of the block. */
  readonly external: Readonly<Record<string, string>>
  /** Both inclusive, ms. */
  readonly from: number
  readonly to: number
  readonly deletions: Deletions
}

export class RowReader {
  readonly #options: Omit<RowReaderOptions, 'lookup'>
  readonly #version: IndexVersion
  readonly #symbols: Symbols
  readonly #row = new SeriesRow()
  readonly #what = () => this.what
  #ref = 0
  #offset = 0

  constructor({ lookup, ...options }: RowReaderOptions) {
    this.#options = options
    this.#version = lookup.index.version
    this.#symbols = new Symbols(lookup)
  }

  /** Bytes that were read of the index. */
  get indexBytes(): number {
    return this.#options.cursor.size
  }

  /** Bytes of the texts of all labels so far, about. */
  get textBytes(): number {
    return this.#symbols.bytes
  }

  /** Names the series that was read last, in errors. */
  get what(): string {
    return `${this.#options.index}: series at ${this.#offset}`
  }

  /** @throws BlockgateError `corrupt-block` */
  read(ref: number): void {
    const { cursor } = this.#options
    this.#ref = ref
    this.#offset = seriesOffset(ref, this.#version)
    cursor.moveTo(this.#offset)
    this.#row.read(cursor.bytes, cursor.view, this.#offset - cursor.offset, this.#what)
  }

  /** Of the series that was read last: its own labels. @throws BlockgateError `corrupt-block` */
  labels(): readonly Label[] {
    return this.#symbols.labels(this.#row)
  }

  /** Of the series that was read last: first time, last time and reference of each chunk that the query asks for; an array of its own. */
  chunks(): readonly number[] {
    const { from, to, deletions } = this.#options
    return between(this.#row, from, to, deletions.get(this.#ref))
  }

  series(labels: readonly Label[] = this.labels(), chunks: readonly number[] = this.chunks()): BlockSeries {
    const { external, deletions } = this.#options
    return { ref: this.#ref, labels: withExternal(labels, external), chunks, deleted: deletions.get(this.#ref) }
  }

  /** From now on only series are read that were read before. */
  forgetHeader(): void {
    this.#symbols.forgetHeader()
  }
}

/** What a text takes beside its characters: its head, and its place in a map. */
const TEXT_BYTES = 64

/** The texts of symbols, each made once; and a label that the series before has, too, is that same object. */
class Symbols {
  /** Of all texts, about. */
  bytes = 0
  #lookup: IndexLookup | undefined
  readonly #texts = new Map<number, string>()
  #before: readonly Label[] = []
  #refsBefore = new Uint32Array(64)

  constructor(lookup: IndexLookup) {
    this.#lookup = lookup
  }

  labels({ labels: refs, labelCount }: SeriesRow): readonly Label[] {
    if (labelCount > this.#refsBefore.length) this.#refsBefore = new Uint32Array(2 * labelCount)
    const before = this.#before
    const refsBefore = this.#refsBefore
    const labels: Label[] = []
    for (let i = 0; i < labelCount; i += 2) {
      const name = refs[i] as number
      const value = refs[i + 1] as number
      const known = refsBefore[i] === name && refsBefore[i + 1] === value ? before[i / 2] : undefined
      labels.push(known ?? [this.#text(name), this.#text(value)])
      refsBefore[i] = name
      refsBefore[i + 1] = value
    }
    this.#before = labels
    return labels
  }

  /** From now on only texts are asked for that were asked for before. */
  forgetHeader(): void {
    this.#lookup = undefined
  }

  #text(ref: number): string {
    const known = this.#texts.get(ref)
    if (known !== undefined) return known
    const text = (this.#lookup as IndexLookup).symbol(ref)
    this.#texts.set(ref, text)
    this.bytes += TEXT_BYTES + text.length
    return text
  }
}

/** Filled again by each call of `between`: doubles from the start. */
const kept: number[] = [0.5]

/** Those that overlap `from` to `to`, but for those that are deleted: an array of its own. */
function between(
  { chunks, chunkCount }: SeriesRow,
  from: number,
  to: number,
  deleted: Deleted | undefined,
): readonly number[] {
  let count = 0
  for (let i = 0; i < chunkCount; i += 3) {
    // No destructuring: this runs for each chunk of a query, and an array literal is an array.
    const first = chunks[i] as number
    const last = chunks[i + 1] as number
    if (first > to || last < from || (deleted && isDeleted(deleted, first, last))) continue
    kept[count] = first
    kept[count + 1] = last
    kept[count + 2] = chunks[i + 2] as number
    count += 3
  }
  // A copy has no room behind it, as an array that grew would have: a query holds those of all its series.
  return kept.slice(0, count)
}
