/** One block asked: matchers to postings, postings to series, series to chunks. */
import { eachBounded } from '../async/each.ts'
import type { BlockReader } from '../contracts/stage.ts'
import { chunkRef, chunkSize, type RawChunk, readChunk } from '../tsdb/chunk.ts'
import type { IndexLookup, PostingsRange } from '../tsdb/index-lookup.ts'
import { readPostings, readSection, readSeries, seriesOffset, seriesSize } from '../tsdb/series.ts'
import type { Label } from './labels.ts'
import type { Budget } from './limits.ts'
import type { Matcher } from './matchers.ts'
import { intersect, subtract, union } from './postings.ts'
import type { Span } from './ranges.ts'
import type { EntryKind, Reads } from './reads.ts'

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

/** What a query of several blocks has in common. */
export interface BlockQueryOptions {
  readonly reads: Reads
  readonly budget: Budget
  readonly signal: AbortSignal
}

/** What one query asks of one block. */
export class BlockQuery {
  readonly #reader: BlockReader
  readonly #options: BlockQueryOptions

  constructor(reader: BlockReader, options: BlockQueryOptions) {
    this.#reader = reader
    this.#options = options
  }

  /**
   * The series that all matchers select and that have chunks between `from` and `to` (both inclusive, ms), in the order of their
   * labels. No matcher selects all. Nothing of `lookup` is kept.
   */
  async select(
    lookup: IndexLookup,
    matchers: readonly Matcher[],
    from: number,
    to: number,
  ): Promise<readonly BlockSeries[]> {
    const { budget } = this.#options
    const refs = await this.#refs(lookup, matchers)
    if (refs.length === 0) return []
    budget.take('series', refs.length)
    const entries = await this.#entries(lookup, refs)
    const symbols = new Symbols(lookup)
    const found: BlockSeries[] = []
    for (const [i, { labels, chunks }] of entries.entries()) {
      const overlapping = between(chunks, from, to)
      if (overlapping.length === 0) continue
      budget.take('chunks', overlapping.length / 3)
      found.push({ ref: refs[i] as number, labels: symbols.labels(labels), chunks: overlapping })
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
        // Chunks of a series stand behind one another, so most ends are known.
        const next = i + 3 < chunks.length ? chunkRef(chunks[i + 3] as number) : undefined
        const end = next?.segment === segment && next.offset > offset ? next.offset : Number.POSITIVE_INFINITY
        const known = spans.get(segment) ?? []
        known.push({ offset, end: Math.min(offset + guess, end) })
        spans.set(segment, known)
      }
    }
    const read = await eachBounded([...spans], spans.size, async ([segment, list]) => {
      const file = segmentName(segment)
      const chunks = await this.#read('chunk', file, list, (bytes, at) => chunkSize(bytes, at, file))
      return [segment, chunks.map(({ bytes, at }) => readChunk(bytes, at, `${meta.ulid}/${file}`)).values()] as const
    })
    // Of each segment in the order in which they were asked for.
    const bySegment = new Map(read)
    return series.map(({ chunks }) =>
      Array.from({ length: chunks.length / 3 }, (_, i): BlockChunk => {
        const [from = 0, to = 0, ref = 0] = chunks.subarray(3 * i)
        return { from, to, chunk: bySegment.get(chunkRef(ref).segment)?.next().value as RawChunk }
      }),
    )
  }

  async #refs(lookup: IndexLookup, matchers: readonly Matcher[]): Promise<Uint32Array> {
    const adding: PostingsRange[][] = []
    const subtracting: PostingsRange[] = []
    for (const matcher of matchers) {
      // A series without the label has the empty text: what selects that is the same as not having the others.
      if (matcher.matches('')) {
        lookup.eachValue(matcher.name, (value, postings) => {
          if (!matcher.matches(text(value))) subtracting.push(postings())
        })
        continue
      }
      const ranges = rangesOf(lookup, matcher)
      if (ranges.length === 0) return new Uint32Array(0)
      adding.push(ranges)
    }
    if (adding.length === 0) {
      const all = lookup.postings('', '')
      if (!all) return new Uint32Array(0)
      adding.push([all])
    }
    const lists = await this.#postings([...adding.flat(), ...subtracting])
    const listsOf = (ranges: readonly PostingsRange[]) => ranges.map(({ offset }) => lists.get(offset) as Uint32Array)
    const added = intersect(adding.map(ranges => union(listsOf(ranges))))
    return subtracting.length === 0 ? added : subtract(added, union(listsOf(subtracting)))
  }

  async #postings(ranges: readonly PostingsRange[]): Promise<ReadonlyMap<number, Uint32Array>> {
    const entries = await this.#read('postings', 'index', ranges, (_, __, { offset, end }) => end - offset)
    const lists = new Map<number, Uint32Array>()
    for (const [i, { bytes, at }] of entries.entries()) {
      const { offset } = ranges[i] as PostingsRange
      const what = `${this.#reader.meta.ulid}/index: postings at ${offset}`
      lists.set(offset, readPostings(readSection(bytes, at, what), what))
    }
    return lists
  }

  async #entries({ index }: IndexLookup, refs: Uint32Array) {
    const { meta } = this.#reader
    const guess = meta.readAhead?.series ?? SERIES_BYTES
    // Behind the last series stand the postings, or a section that only old versions write.
    const { series, labelIndices, postings } = index.toc
    const last = labelIndices > series ? Math.min(labelIndices, postings) : postings
    const spans = Array.from(refs, (ref): Span => {
      const offset = seriesOffset(ref, index.version)
      return { offset, end: Math.max(offset, Math.min(offset + guess, last)) }
    })
    const entries = await this.#read('series', 'index', spans, (bytes, at) => seriesSize(bytes, at, 'index'))
    return entries.map(({ bytes, at }, i) => readSeries(bytes, at, `${meta.ulid}/index: series at ${spans[i]?.offset}`))
  }

  async #read(
    kind: EntryKind,
    file: string,
    spans: readonly Span[],
    sizeOf: (bytes: Uint8Array, at: number, span: Span) => number | undefined,
  ) {
    const { reads, ...query } = this.#options
    return await reads.entries(this.#reader, { kind, file, spans, sizeOf }, query)
  }
}

/** The texts of symbols: most series share their names and values, so each is made once. */
class Symbols {
  readonly #lookup: IndexLookup
  readonly #texts = new Map<number, string>()

  constructor(lookup: IndexLookup) {
    this.#lookup = lookup
  }

  labels(refs: Uint32Array): readonly Label[] {
    const labels: Label[] = []
    for (let i = 0; i < refs.length; i += 2)
      labels.push([this.#text(refs[i] as number), this.#text(refs[i + 1] as number)])
    return labels
  }

  #text(ref: number): string {
    const known = this.#texts.get(ref)
    if (known !== undefined) return known
    const text = this.#lookup.symbol(ref)
    this.#texts.set(ref, text)
    return text
  }
}

function rangesOf(lookup: IndexLookup, { name, values, prefix, matches }: Matcher): PostingsRange[] {
  if (values) return [...values].map(value => lookup.postings(name, value)).filter(range => range !== undefined)
  const ranges: PostingsRange[] = []
  lookup.eachValue(
    name,
    (value, postings) => {
      if (matches(text(value))) ranges.push(postings())
    },
    prefix,
  )
  return ranges
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
