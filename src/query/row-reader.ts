/** The series of one block, one after the other, from what was read of its index. */
import type { IndexVersion } from '../tsdb/index-toc.ts'
import { SeriesRow, seriesOffset } from '../tsdb/series.ts'
import type { BlockSeries } from './block-series.ts'
import { type Deleted, type Deletions, isDeleted } from './deleted.ts'
import { type Label, withExternal } from './labels.ts'
import type { PartCursor } from './runs.ts'
import type { Symbols } from './symbols.ts'

export interface RowReaderOptions {
  /** Names the index in errors. */
  readonly index: string
  readonly version: IndexVersion
  readonly cursor: PartCursor
  readonly symbols: Symbols
  /** External ones of the block. */
  readonly external: Readonly<Record<string, string>>
  /** Both inclusive, ms. */
  readonly from: number
  readonly to: number
  readonly deletions: Deletions
}

export class RowReader {
  readonly #options: RowReaderOptions
  readonly #row = new SeriesRow()
  readonly #what = () => this.what
  #ref = 0
  #offset = 0

  constructor(options: RowReaderOptions) {
    this.#options = options
  }

  /** Bytes that were read of the index. */
  get bytes(): number {
    return this.#options.cursor.size
  }

  /** Names the series that was read last, in errors. */
  get what(): string {
    return `${this.#options.index}: series at ${this.#offset}`
  }

  /** @throws BlockgateError `corrupt-block` */
  read(ref: number): void {
    const { cursor, version } = this.#options
    this.#ref = ref
    this.#offset = seriesOffset(ref, version)
    cursor.moveTo(this.#offset)
    this.#row.read(cursor.bytes, cursor.view, this.#offset - cursor.offset, this.#what)
  }

  /** Of the series that was read last: its own labels. @throws BlockgateError `corrupt-block` */
  labels(): readonly Label[] {
    return this.#options.symbols.labels(this.#row)
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
    this.#options.symbols.forgetHeader()
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
