/** One block asked: matchers to postings, postings to series, series to chunks. */
import { BlockgateError, ErrorCode } from '../contracts/errors.ts'
import type { BlockReader } from '../contracts/stage.ts'
import { chunkRef, chunkSize, type RawChunk, readChunk } from '../tsdb/chunk.ts'
import type { IndexLookup, PostingsRange } from '../tsdb/index-lookup.ts'
import { readPostings, readSection, readSeries, seriesOffset, seriesSize } from '../tsdb/series.ts'
import type { Label } from './labels.ts'
import type { Budget } from './limits.ts'
import type { Matcher } from './matchers.ts'
import { intersect, subtract, union } from './postings.ts'
import { type Part, partAt, readSpans, type Span } from './ranges.ts'

export interface BlockChunk {
  /** First and last time, both inclusive, ms. */
  readonly from: number
  readonly to: number
  readonly chunk: RawChunk
}

/** A series of one block, whose chunks are not read yet. */
export interface BlockSeries {
  readonly ref: number
  /** Of the series itself, by name. */
  readonly labels: readonly Label[]
  /** Of each chunk first time, last time, reference; those that overlap the query. */
  readonly chunks: Float64Array
}

/** A guess of an entry's size where the meta tells none; one that is larger is read again. */
const SERIES_BYTES = 512
const CHUNK_BYTES = 1024
const CONCURRENCY = 8

/** What one query asks of one block. */
export class BlockQuery {
  readonly #reader: BlockReader
  readonly #lookup: IndexLookup
  readonly #budget: Budget
  readonly #signal: AbortSignal
  readonly #symbols = new Map<number, string>()

  constructor(reader: BlockReader, lookup: IndexLookup, budget: Budget, signal: AbortSignal) {
    this.#reader = reader
    this.#lookup = lookup
    this.#budget = budget
    this.#signal = signal
  }

  /**
   * The series that all matchers select and that have chunks between `from` and `to` (both inclusive, ms), in the order of their
   * labels. No matcher selects all.
   */
  async select(matchers: readonly Matcher[], from: number, to: number): Promise<readonly BlockSeries[]> {
    const refs = await this.#refs(matchers)
    if (refs.length === 0) return []
    this.#budget.take('series', refs.length)
    const entries = await this.#entries(refs)
    const found: BlockSeries[] = []
    for (const [i, { labels, chunks }] of entries.entries()) {
      const overlapping = between(chunks, from, to)
      if (overlapping.length === 0) continue
      this.#budget.take('chunks', overlapping.length / 3)
      found.push({ ref: refs[i] as number, labels: this.#labels(labels), chunks: overlapping })
    }
    return found
  }

  /** The chunks of some series, each in its order. */
  async chunks(series: readonly BlockSeries[]): Promise<readonly (readonly BlockChunk[])[]> {
    const { meta } = this.#reader
    const guess = meta.readAhead?.chunk ?? CHUNK_BYTES
    const spans = new Map<number, Span[]>()
    for (const { chunks } of series) {
      for (let i = 2; i < chunks.length; i += 3) {
        const { segment, offset } = chunkRef(chunks[i] as number)
        const known = spans.get(segment) ?? []
        known.push({ offset, end: offset + guess })
        spans.set(segment, known)
      }
    }
    const parts = new Map<number, readonly Part[]>()
    for (const [segment, list] of spans) {
      const file = segmentName(segment)
      parts.set(segment, await this.#read(file, list, (bytes, at) => chunkSize(bytes, at, file)))
    }
    return series.map(({ chunks }) =>
      Array.from({ length: chunks.length / 3 }, (_, i): BlockChunk => {
        const [from = 0, to = 0, ref = 0] = chunks.subarray(3 * i)
        const { segment, offset } = chunkRef(ref)
        const part = partIn(parts.get(segment) ?? [], offset, `chunk of ${meta.ulid}`)
        return { from, to, chunk: readChunk(part.bytes, offset - part.offset, `${meta.ulid}/${segmentName(segment)}`) }
      }),
    )
  }

  async #refs(matchers: readonly Matcher[]): Promise<Uint32Array> {
    const adding: PostingsRange[][] = []
    const subtracting: PostingsRange[] = []
    for (const matcher of matchers) {
      // A series without the label has the empty text: what selects that is the same as not having the others.
      if (matcher.matches('')) {
        this.#lookup.eachValue(matcher.name, (value, postings) => {
          if (!matcher.matches(text(value))) subtracting.push(postings())
        })
        continue
      }
      const ranges = this.#rangesOf(matcher)
      if (ranges.length === 0) return new Uint32Array(0)
      adding.push(ranges)
    }
    if (adding.length === 0) {
      const all = this.#lookup.postings('', '')
      if (!all) return new Uint32Array(0)
      adding.push([all])
    }
    const lists = await this.#postings([...adding.flat(), ...subtracting])
    const listsOf = (ranges: readonly PostingsRange[]) => ranges.map(({ offset }) => lists.get(offset) as Uint32Array)
    const added = intersect(adding.map(ranges => union(listsOf(ranges))))
    return subtracting.length === 0 ? added : subtract(added, union(listsOf(subtracting)))
  }

  #rangesOf({ name, values, prefix, matches }: Matcher): PostingsRange[] {
    if (values) return [...values].map(value => this.#lookup.postings(name, value)).filter(range => range !== undefined)
    const ranges: PostingsRange[] = []
    this.#lookup.eachValue(
      name,
      (value, postings) => {
        if (matches(text(value))) ranges.push(postings())
      },
      prefix,
    )
    return ranges
  }

  async #postings(ranges: readonly PostingsRange[]): Promise<ReadonlyMap<number, Uint32Array>> {
    const parts = await this.#read('index', ranges, (_, __, span) => span.end - span.offset)
    const lists = new Map<number, Uint32Array>()
    for (const { offset } of ranges) {
      const part = partIn(parts, offset, `postings of ${this.#reader.meta.ulid}`)
      const what = `${this.#reader.meta.ulid}/index: postings at ${offset}`
      lists.set(offset, readPostings(readSection(part.bytes, offset - part.offset, what), what))
    }
    return lists
  }

  async #entries(refs: Uint32Array) {
    const { version } = this.#lookup.index
    const guess = this.#reader.meta.readAhead?.series ?? SERIES_BYTES
    const offsets = Array.from(refs, ref => seriesOffset(ref, version))
    const spans = offsets.map(offset => ({ offset, end: offset + guess }))
    const parts = await this.#read('index', spans, (bytes, at) => seriesSize(bytes, at, 'index'))
    return offsets.map(offset => {
      const part = partIn(parts, offset, `series of ${this.#reader.meta.ulid}`)
      return readSeries(part.bytes, offset - part.offset, `${this.#reader.meta.ulid}/index: series at ${offset}`)
    })
  }

  /** Reads the spans; an entry that turns out to be larger than its span, once more. */
  async #read(
    file: string,
    spans: readonly Span[],
    sizeOf: (bytes: Uint8Array, at: number, span: Span) => number | undefined,
  ): Promise<readonly Part[]> {
    const { meta, files } = this.#reader
    const fileSize = meta.files.find(({ path }) => path === file)?.size ?? Number.POSITIVE_INFINITY
    const read = async (offset: number, length: number, signal: AbortSignal) => {
      const within = Math.max(0, Math.min(length, fileSize - offset))
      this.#budget.take('bytes', within)
      return await files.read(file, offset, within, signal)
    }
    const options = { concurrency: CONCURRENCY, signal: this.#signal }
    const parts = await readSpans(spans, read, options)
    const short = spans.flatMap((span): Span[] => {
      const part = partAt(parts, span.offset)
      const size = part && sizeOf(part.bytes, span.offset - part.offset, span)
      // Its length stands in its first bytes, which any guess has but at the end of what was read.
      const end = span.offset + (size ?? 64 * 1024)
      return part && Math.min(end, fileSize) <= part.end ? [] : [{ offset: span.offset, end }]
    })
    if (short.length === 0) return parts
    return withParts(parts, await readSpans(short, read, options))
  }

  #labels(refs: Uint32Array): readonly Label[] {
    const labels: Label[] = []
    for (let i = 0; i < refs.length; i += 2)
      labels.push([this.#symbol(refs[i] as number), this.#symbol(refs[i + 1] as number)])
    return labels
  }

  /** Most series share their names and values: each text is made once. */
  #symbol(ref: number): string {
    const known = this.#symbols.get(ref)
    if (known !== undefined) return known
    const text = this.#lookup.symbol(ref)
    this.#symbols.set(ref, text)
    return text
  }
}

/** @throws BlockgateError `corrupt-block` where the file ends before `offset` */
function partIn(parts: readonly Part[], offset: number, what: string): Part {
  const part = partAt(parts, offset)
  if (part) return part
  throw new BlockgateError(ErrorCode.corruptBlock, `${what}: offset ${offset} must be within its file`)
}

/** The later parts in the place of those that they begin in: where two have a byte, the one that begins later is found. */
function withParts(parts: readonly Part[], more: readonly Part[]): readonly Part[] {
  return [...parts, ...more].sort((a, b) => a.offset - b.offset || a.end - b.end)
}

/** Those that overlap `from` to `to`. */
function between(chunks: Float64Array, from: number, to: number): Float64Array {
  const kept: number[] = []
  for (let i = 0; i < chunks.length; i += 3) {
    const [first = 0, last = 0, ref = 0] = chunks.subarray(i, i + 3)
    if (first <= to && last >= from) kept.push(first, last, ref)
  }
  return kept.length === chunks.length ? chunks : Float64Array.from(kept)
}

function segmentName(segment: number): string {
  return `chunks/${String(segment + 1).padStart(6, '0')}`
}

const decoder = new TextDecoder()
function text(bytes: Uint8Array): string {
  return decoder.decode(bytes)
}
