/**
 * How all queries of a gateway read the files of blocks: entries that are near to one another by one request, what two queries ask for
 * at once by one, and an entry that is longer than was guessed once more.
 */
import { BlockgateError, ErrorCode } from '../contracts/errors.ts'
import type { BlockReader } from '../contracts/stage.ts'
import { Flights } from './flights.ts'
import type { Budget } from './limits.ts'
import { chunkGap, DEFAULT_GAP, type Part, partAt, readSpans, type Span } from './ranges.ts'
import { PartCursor, type Run, runsOf } from './runs.ts'

export type EntryKind = 'postings' | 'series' | 'chunk'

/** Entries of one file. */
export interface EntriesAsked {
  readonly kind: EntryKind
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
}

/** Of an entry whose length cannot be told from what was read, this much is read. */
const UNKNOWN_BYTES = 64 * 1024

export class Reads {
  readonly #gap: number
  readonly #flights = new Flights()

  constructor({ gap = DEFAULT_GAP }: ReadsOptions = {}) {
    this.#gap = gap
  }

  /**
   * The entries, in the order of `spans`.
   *
   * @throws BlockgateError `query-too-large`, `corrupt-block` where one begins behind the end of its file, or what the reader throws
   */
  async entries(reader: BlockReader, asked: EntriesAsked, query: ReadsOf): Promise<readonly Entry[]> {
    const { spans, file } = asked
    const parts = await this.#parts(reader, asked, query)
    return spans.map(({ offset }): Entry => {
      const part = partAt(parts, offset)
      if (part) return { bytes: part.bytes, at: offset - part.offset }
      const must = `${asked.kind} at ${offset} must be within the file`
      throw new BlockgateError(ErrorCode.corruptBlock, `${reader.meta.ulid}/${file}: ${must}`)
    })
  }

  /** As `entries`; each entry is found by where it begins. */
  async cursor(reader: BlockReader, asked: OffsetsAsked, query: ReadsOf): Promise<PartCursor> {
    const spans = runsOf(asked.offsets, asked.guess, asked.end)
    const parts = await this.#parts(reader, { ...asked, spans }, query)
    return new PartCursor(parts, `${reader.meta.ulid}/${asked.file}: ${asked.kind}`)
  }

  /** Reads the spans; an entry that turns out to be larger than its span, or than the rest of its run, once more. */
  async #parts(
    { meta, files }: BlockReader,
    { kind, file, spans, sizeOf }: Omit<EntriesAsked, 'spans'> & { readonly spans: readonly (Span | Run)[] },
    { budget, signal }: ReadsOf,
  ): Promise<readonly Part[]> {
    const fileSize = meta.files.find(({ path }) => path === file)?.size ?? Number.POSITIVE_INFINITY
    const name = `${meta.ulid}/${file}`
    const read = async (offset: number, length: number) => {
      const within = Math.max(0, Math.min(length, fileSize - offset))
      budget.take('bytes', within)
      const readAt = (shared: AbortSignal) => files.read(file, offset, within, shared)
      return await this.#flights.read(name, { offset, end: offset + within }, readAt, signal, () => {})
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

/** The later parts in the place of those that they begin in: where two have a byte, the one that begins later is found. */
function withParts(parts: readonly Part[], more: readonly Part[]): readonly Part[] {
  return [...parts, ...more].sort((a, b) => a.offset - b.offset || a.end - b.end)
}
