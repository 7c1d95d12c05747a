/**
 * How all queries of a gateway read the files of blocks: entries from the cache, those that are near to one another by one request, what
 * two queries ask for at once by one, and an entry that is longer than was guessed once more.
 *
 * What is cached are whole entries, each under where it begins: a postings list, the entry of a series, a chunk. Ranges of a fixed size
 * would be fewer keys, but each read would be rounded up to whole ones: the ten series of a small query are 1 KiB, and would be read and
 * kept as 16 or 32. Ranges as they were read would be found again by the same query alone. An entry also has a checksum of its own,
 * and is the same in every query that needs it. Only what comes from an object store is cached: a disk has the page cache of its system.
 */
import type { EntryCache } from '../cache/entry-cache.ts'
import type { CacheKind } from '../contracts/cache.ts'
import { BlockgateError, ErrorCode } from '../contracts/errors.ts'
import type { BlockReader } from '../contracts/stage.ts'
import { isWhole } from './entry-checksum.ts'
import { Flights } from './flights.ts'
import type { Hedge } from './hedge.ts'
import type { Budget } from './limits.ts'
import { chunkGap, DEFAULT_GAP, type Part, partAt, readSpans, type Span } from './ranges.ts'
import { PartCursor, type Run, runsOf } from './runs.ts'

/** Entries of one file. */
export interface EntriesAsked {
  readonly kind: CacheKind
  readonly file: string
  /** Where each begins, and its end or a guess of that. */
  readonly spans: readonly Span[]
  /** Bytes of the entry that begins at `at`; undefined where `bytes` has too few to tell. */
  readonly sizeOf: (bytes: Uint8Array, at: number, span: Span) => number | undefined
}

/** Entries of one file, of which there may be a million: no object stands for one. */
export interface OffsetsAsked extends Omit<EntriesAsked, 'spans'> {
  /** Where each begins, ascending. */
  readonly offsets: Float64Array
  /** Bytes of an entry, most likely. */
  readonly guess: number
  /** No entry goes beyond. */
  readonly end?: number
}

interface CacheableAsked extends Omit<EntriesAsked, 'spans'> {
  readonly offsets: ArrayLike<number>
  readonly spanAt: (i: number) => Span
  /** What is to be read of those entries, by their places among `offsets`; without them, of all. */
  readonly spansOf: (some?: readonly number[]) => readonly (Span | Run)[]
}

/** Where an entry is: it begins at `at`. */
export interface Entry {
  readonly bytes: Uint8Array
  readonly at: number
}

/** Of one query. */
export interface ReadsOf {
  readonly budget: Budget
  readonly signal: AbortSignal
}

export interface ReadsOptions {
  /** Bytes between two ranges of an index that are read rather than asked for apart. Default 512 KiB. */
  readonly gap?: number | undefined
  readonly cache?: EntryCache | undefined
  readonly hedge?: Hedge | undefined
}

/** Of an entry whose length cannot be told from what was read, this much is read. */
const UNKNOWN_BYTES = 64 * 1024
/** A read of more entries goes past the cache: it would push out what many other queries need, and each key costs time. */
const MAX_CACHED = 65_536

export class Reads {
  readonly #gap: number
  readonly #cache: EntryCache | undefined
  readonly #hedge: Hedge | undefined
  readonly #flights = new Flights()

  constructor({ gap = DEFAULT_GAP, cache, hedge }: ReadsOptions = {}) {
    this.#gap = gap
    this.#cache = cache
    this.#hedge = hedge
  }

  /**
   * The entries, in the order of `spans`.
   *
   * @throws BlockgateError `query-too-large`, `corrupt-block` where one begins behind the end of its file, or what the reader throws
   */
  async entries(reader: BlockReader, asked: EntriesAsked, query: ReadsOf): Promise<readonly Entry[]> {
    const { spans, file } = asked
    const offsets = spans.map(({ offset }) => offset)
    const spansOf = (some?: readonly number[]) => some?.map(i => spans[i] as Span) ?? spans
    const spanAt = (i: number) => spans[i] as Span
    const parts = await this.#cachedParts(reader, { ...asked, offsets, spanAt, spansOf }, query)
    return spans.map(({ offset }): Entry => {
      const part = partAt(parts, offset)
      if (part) return { bytes: part.bytes, at: offset - part.offset }
      const must = `${asked.kind} at ${offset} must be within the file`
      throw new BlockgateError(ErrorCode.corruptBlock, `${reader.meta.ulid}/${file}: ${must}`)
    })
  }

  /** As `entries`; each entry is found by where it begins. */
  async cursor(reader: BlockReader, asked: OffsetsAsked, query: ReadsOf): Promise<PartCursor> {
    const { offsets, guess, end } = asked
    const spansOf = (some?: readonly number[]) => runsOf(some?.map(i => offsets[i] as number) ?? offsets, guess, end)
    const spanAt = (i: number) => ({ offset: offsets[i] as number, end: offsets[i] as number })
    const parts = await this.#cachedParts(reader, { ...asked, spanAt, spansOf }, query)
    return new PartCursor(parts, `${reader.meta.ulid}/${asked.file}: ${asked.kind}`)
  }

  /** What is cached of the entries, and what was read of the others: it is cached then. */
  async #cachedParts(reader: BlockReader, asked: CacheableAsked, query: ReadsOf): Promise<readonly Part[]> {
    const { kind, file, offsets, spanAt, spansOf, sizeOf } = asked
    const cache = reader.isRemote && offsets.length <= MAX_CACHED ? this.#cache : undefined
    if (!cache) return await this.#parts(reader, { ...asked, spans: spansOf() }, query)
    const keys = Array.from(offsets, offset => `${reader.meta.ulid}/${file}:${offset}`)
    const held: Part[] = []
    const missing: number[] = []
    for (const [i, bytes] of (await cache.get(kind, keys, query.signal)).entries()) {
      const offset = offsets[i] as number
      if (!bytes) {
        missing.push(i)
        continue
      }
      query.budget.take('bytes', bytes.length)
      query.budget.hit(bytes.length)
      held.push({ offset, end: offset + bytes.length, bytes })
    }
    const read = missing.length === 0 ? [] : await this.#parts(reader, { ...asked, spans: spansOf(missing) }, query)
    const entries = missing.flatMap(i => {
      const offset = offsets[i] as number
      const part = partAt(read, offset)
      const at = offset - (part?.offset ?? 0)
      const size = part && sizeOf(part.bytes, at, spanAt(i))
      const value = part?.bytes.subarray(at, at + (size ?? 0))
      // One that is cut, or was damaged on its way, is an error of this query, and of no other.
      return value && isWhole(kind, value) ? [{ key: keys[i] as string, value }] : []
    })
    cache.put(kind, entries)
    // Where a gap was read with its neighbours, what is cached of it is not needed.
    const apart = held.filter(({ offset, end }) => !(end <= (partAt(read, offset)?.end ?? 0)))
    return withParts(read, apart)
  }

  /** Reads the spans; an entry that turns out to be larger than its span, or than the rest of its run, once more. */
  async #parts(
    { meta, files, isRemote }: BlockReader,
    { kind, file, spans, sizeOf }: Omit<EntriesAsked, 'spans'> & { readonly spans: readonly (Span | Run)[] },
    { budget, signal }: ReadsOf,
  ): Promise<readonly Part[]> {
    const fileSize = meta.files.find(({ path }) => path === file)?.size ?? Number.POSITIVE_INFINITY
    const name = `${meta.ulid}/${file}`
    const hedge = isRemote ? this.#hedge : undefined
    const read = async (offset: number, length: number) => {
      const within = Math.max(0, Math.min(length, fileSize - offset))
      budget.take('bytes', within)
      const once = (each: AbortSignal) => files.read(file, offset, within, each)
      const readAt = (shared: AbortSignal) => hedge?.read(within, once, shared) ?? once(shared)
      return await this.#flights.read(name, { offset, end: offset + within }, readAt, signal)
    }
    const options = { gap: kind === 'chunk' ? chunkGap(this.#gap) : this.#gap, signal }
    const parts = await readSpans(spans, read, options)
    const short = spans.flatMap((span): Span[] => {
      const offset = 'last' in span ? span.last : span.offset
      const part = partAt(parts, offset)
      const size = part && sizeOf(part.bytes, offset - part.offset, span)
      // Its length stands in its first bytes, which any guess has but at the end of what was read.
      const end = offset + (size ?? UNKNOWN_BYTES)
      return part && Math.min(end, fileSize) <= part.end ? [] : [{ offset, end }]
    })
    if (short.length === 0) return parts
    return withParts(parts, await readSpans(short, read, options))
  }
}

/**
 * The later parts in the place of those that they cover, and of those that they begin in: where two have a byte, the one that begins
 * later is found.
 */
function withParts(parts: readonly Part[], more: readonly Part[]): readonly Part[] {
  const kept = parts.filter(({ offset, end }) => !(end <= (partAt(more, offset)?.end ?? 0)))
  return [...kept, ...more].sort((a, b) => a.offset - b.offset || a.end - b.end)
}
