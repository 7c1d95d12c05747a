/** One block asked: matchers to postings, postings to series, series to chunks. */
import { eachBounded } from '../async/each.ts'
import type { BlockId } from '../contracts/block.ts'
import { BlockgateError, ErrorCode } from '../contracts/errors.ts'
import type { BlockReader } from '../contracts/stage.ts'
import { chunkSize } from '../tsdb/chunk.ts'
import type { IndexLookup, PostingsRange } from '../tsdb/index-lookup.ts'
import { seriesEnd } from '../tsdb/index-toc.ts'
import { readPostings, readSection, seriesOffset, seriesSize } from '../tsdb/series.ts'
import { type BlockSelection, Room, Selecting } from './block-selection.ts'
import type { BlockSeries } from './block-series.ts'
import { readDeleted } from './deleted.ts'
import { averageSeriesBytes, groupsOf, worthReading } from './groups.ts'
import { compareLabels, type Label } from './labels.ts'
import type { Budget } from './limits.ts'
import type { Matcher } from './matchers.ts'
import { intersect, subtract, union } from './postings.ts'
import type { Reads } from './reads.ts'
import { RowReader } from './row-reader.ts'
import type { PartCursor } from './runs.ts'
import { offsetsOf, type SegmentReads, segmentName } from './segments.ts'
import type { BlockTimes } from './times.ts'

/** A guess of an entry's size where the meta tells none; one that is larger is read again. */
const SERIES_GUESS = 512
const CHUNK_GUESS = 1024

/** What the postings that were read say. */
interface Found {
  readonly refs: Uint32Array
  /** Of them, what these matchers select is asked for. */
  readonly rest: readonly Matcher[]
}

/** Series that are decoded in some 50 µs. */
const ROWS = 32

/** What a query of several blocks has in common. */
export interface BlockQueryOptions {
  readonly reads: Reads
  readonly budget: Budget
  readonly signal: AbortSignal
  /** Where the time of this block is counted. */
  readonly times: BlockTimes
  /** Called now and then in long work: what must be awaited, so that others have their turn. */
  readonly pause: () => Promise<void> | undefined
}

/** What one query asks of one block. */
export class BlockQuery {
  readonly #reader: BlockReader
  readonly #options: BlockQueryOptions

  constructor(reader: BlockReader, options: BlockQueryOptions) {
    this.#reader = reader
    this.#options = options
  }

  get ulid(): BlockId {
    return this.#reader.meta.ulid
  }

  /**
   * The series that all matchers select and that have chunks between `from` and `to` (both inclusive, ms), in the order of their
   * labels, those of the block among them. No matcher selects all. Nothing of `lookup` is kept.
   */
  async select(
    lookup: IndexLookup,
    matchers: readonly Matcher[],
    { from, to }: { readonly from: number; readonly to: number },
    room: Room = new Room(Number.POSITIVE_INFINITY),
  ): Promise<BlockSelection> {
    const { budget, times } = this.#options
    const { refs, rest } = await times.timed('postings', () => this.#refs(lookup, matchers))
    if (refs.length === 0) return Object.assign([], { bytes: 0 })
    // Where some are selected by their labels, each counts when it is.
    if (rest.length === 0) budget.take('series', refs.length)
    return await times.timed('series', async () => {
      const [cursor, deletions] = await Promise.all([
        this.#entries(lookup, refs),
        readDeleted(this.#reader, this.#options),
      ])
      const { ulid, labels: external } = this.#reader.meta
      const options = { index: `${ulid}/index`, lookup, cursor, external, from, to, deletions }
      return await this.#selected({ refs, rest }, new RowReader(options), room)
    })
  }

  async #selected({ refs, rest }: Found, rows: RowReader, room: Room): Promise<BlockSelection> {
    const { budget, signal, pause } = this.#options
    const found = new Selecting(rows, room)
    let before: readonly Label[] | undefined
    for (let i = 0; i < refs.length; i++) {
      const turn = i % ROWS === ROWS - 1 ? pause() : undefined
      if (turn) {
        await turn
        signal.throwIfAborted()
      }
      rows.read(refs[i] as number)
      const chunks = rows.chunks()
      if (chunks.length === 0 && rest.length === 0) continue
      const labels = rows.labels()
      // A checksum does not tell that an entry stands in the place of another one.
      if (before && compareLabels(before, labels) >= 0) {
        const must = 'must stand behind those with smaller labels, once'
        throw new BlockgateError(ErrorCode.corruptBlock, `${rows.what} ${must}`)
      }
      before = labels
      if (rest.length > 0) {
        if (!areAll(rest, labels)) continue
        budget.take('series', 1)
        if (chunks.length === 0) continue
      }
      budget.take('chunks', chunks.length / 3)
      found.add(rows.series(labels, chunks))
    }
    return found.done()
  }

  /** Reads the chunks of some series. @returns what `chunksOf` finds them in */
  async chunks(series: readonly BlockSeries[]): Promise<SegmentReads> {
    const { meta } = this.#reader
    const { reads, ...query } = this.#options
    const guess = meta.readAhead?.chunk ?? CHUNK_GUESS
    const bySegment = offsetsOf(series)
    const read = await eachBounded([...bySegment], bySegment.size, async ([segment, offsets]) => {
      const file = segmentName(segment)
      const sizeOf = (bytes: Uint8Array, at: number) => chunkSize(bytes, at, file)
      const cursor = await reads.cursor(this.#reader, { kind: 'chunk', file, offsets, guess, sizeOf }, query)
      return [segment, { what: `${meta.ulid}/${file}`, cursor }] as const
    })
    return new Map(read)
  }

  async #refs(lookup: IndexLookup, matchers: readonly Matcher[]): Promise<Found> {
    const groups = groupsOf(lookup, matchers)
    if (!groups) return { refs: new Uint32Array(0), rest: [] }
    const seriesBytes = averageSeriesBytes(lookup, seriesEnd(lookup.index.toc))
    const { read, rest } = worthReading(groups, { seriesBytes, isRemote: this.#reader.isRemote ?? false })
    const lists = await this.#postings(read.flatMap(({ ranges }) => ranges))
    const listsOf = (ranges: readonly PostingsRange[]) => ranges.map(({ offset }) => lists.get(offset) as Uint32Array)
    const added = intersect(read.filter(({ removes }) => !removes).map(({ ranges }) => union(listsOf(ranges))))
    const removed = read.filter(({ removes }) => removes).flatMap(({ ranges }) => listsOf(ranges))
    return { refs: removed.length === 0 ? added : subtract(added, union(removed)), rest }
  }

  async #postings(ranges: readonly PostingsRange[]): Promise<ReadonlyMap<number, Uint32Array>> {
    const { reads, ...query } = this.#options
    const asked = {
      kind: 'postings',
      file: 'index',
      spans: ranges,
      sizeOf: (_: Uint8Array, __: number, { offset, end }: PostingsRange) => end - offset,
    } as const
    const entries = await reads.entries(this.#reader, asked, query)
    const lists = new Map<number, Uint32Array>()
    for (const [i, { bytes, at }] of entries.entries()) {
      const { offset } = ranges[i] as PostingsRange
      const what = `${this.#reader.meta.ulid}/index: postings at ${offset}`
      lists.set(offset, readPostings(readSection(bytes, at, what), what))
    }
    return lists
  }

  async #entries(lookup: IndexLookup, refs: Uint32Array): Promise<PartCursor> {
    const { reads, ...query } = this.#options
    const offsets = new Float64Array(refs)
    for (let i = 0; i < offsets.length; i++) offsets[i] = seriesOffset(offsets[i] as number, lookup.index.version)
    const asked = {
      kind: 'series',
      file: 'index',
      offsets,
      guess: this.#reader.meta.readAhead?.series ?? SERIES_GUESS,
      end: seriesEnd(lookup.index.toc),
      sizeOf: (bytes: Uint8Array, at: number) => seriesSize(bytes, at, 'index'),
    } as const
    return await reads.cursor(this.#reader, asked, query)
  }
}

function areAll(matchers: readonly Matcher[], labels: readonly Label[]): boolean {
  return matchers.every(({ name, matches }) => matches(labels.find(([each]) => each === name)?.[1] ?? ''))
}
