/** The blocks of a sink asked together: which ones, their series merged, and the chunks of each series in order. */
import { eachBounded } from '../async/each.ts'
import type { BlockMeta } from '../contracts/block.ts'
import { DEFAULT_LIMITS, type QueryLimits } from '../contracts/query-limits.ts'
import type { BlockReader, BlockSink } from '../contracts/stage.ts'
import type { IndexLookup } from '../tsdb/index-lookup.ts'
import { type BlockChunk, BlockQuery, type BlockSeries } from './block.ts'
import { Headers } from './headers.ts'
import { compareLabels, compareText, type Label, withExternal } from './labels.ts'
import { Budget } from './limits.ts'
import { type LabelMatcher, type Matcher, matcher } from './matchers.ts'
import { Reads } from './reads.ts'

export interface QuerierOptions {
  readonly sink: Pick<BlockSink, 'loaded' | 'open'>
  readonly limits?: Partial<QueryLimits> | undefined
  /** Bytes of index-headers that stay in memory. Default 256 MiB. */
  readonly headerMemory?: number | undefined
  /** Bytes between two ranges of an index that are read rather than asked for apart. Default 512 KiB. */
  readonly gap?: number | undefined
}

export interface Selection {
  readonly matchers: readonly LabelMatcher[]
  /** First and last time, both inclusive, ms. */
  readonly from: number
  readonly to: number
}

/** Which series' labels are asked for; none of `match` stands for all. Times are inclusive, ms. */
export interface LabelQuery {
  readonly match: readonly (readonly LabelMatcher[])[]
  readonly from: number
  readonly to: number
}

export interface Series {
  /** With the external labels of its blocks, sorted by name. */
  readonly labels: readonly Label[]
  /** By their first time; each once, whole: samples before `from` and after `to` may be in them. */
  readonly chunks: readonly BlockChunk[]
}

/** Blocks that are asked side by side. */
const BLOCKS_AT_ONCE = 8
/** Series whose chunks are in memory at once. */
const BATCH = 256
/** Index-headers that are opened at once, of all queries. */
const OPENING = 8
const HEADER_MEMORY = 256 * 1024 * 1024

const decoder = new TextDecoder()

interface Part {
  readonly query: BlockQuery
  readonly series: BlockSeries
}

export class Querier {
  readonly #sink: QuerierOptions['sink']
  readonly #headers: Headers
  readonly #limits: QueryLimits
  readonly #reads: Reads

  constructor({ sink, limits, headerMemory = HEADER_MEMORY, gap }: QuerierOptions) {
    this.#sink = sink
    this.#limits = { ...DEFAULT_LIMITS, ...limits }
    this.#headers = new Headers({ maxBytes: headerMemory, concurrency: OPENING })
    this.#reads = new Reads({ gap })
  }

  /**
   * The series that all matchers select, by their labels, in batches: each batch is read when it is asked for. No matcher selects
   * nothing, as in Prometheus. The blocks are held until the iteration ends.
   *
   * @throws BlockgateError `invalid-query`, `query-too-large`, or what reading a block throws: no series is left out
   */
  async *select(
    { matchers, from, to }: Selection,
    signal: AbortSignal,
  ): AsyncGenerator<readonly Series[], void, undefined> {
    const ready = matchers.map(matcher)
    if (ready.length === 0) return
    const budget = new Budget(this.#limits)
    using held = new DisposableStack()
    const blocks = this.#blocks(ready, from, to).map(({ reader, rest }) => ({ reader: held.use(reader), rest }))
    const found = await eachBounded(blocks, BLOCKS_AT_ONCE, async ({ reader, rest }) => {
      using header = await this.#headers.hold(reader, signal)
      const query = new BlockQuery(reader, { reads: this.#reads, budget, signal })
      const selected = await query.select(header.lookup, rest, from, to)
      return selected.map(series => ({
        labels: withExternal(series.labels, reader.meta.labels),
        parts: [{ query, series }],
      }))
    })
    const sorted = merged(found.flat())
    for (let i = 0; i < sorted.length; i += BATCH) {
      signal.throwIfAborted()
      yield await withChunks(sorted.slice(i, i + BATCH))
    }
  }

  /** The labels of the series that all matchers select and that have chunks in the time, in their order, each once. */
  async *labelSets(selection: Selection, signal: AbortSignal): AsyncGenerator<readonly Label[], void, undefined> {
    const found = new Map<string, readonly Label[]>()
    await this.#eachBlock(selection.matchers, selection, signal, async (query, rest, external, lookup) => {
      for (const series of await query.select(lookup, rest, selection.from, selection.to)) {
        const labels = withExternal(series.labels, external)
        found.set(JSON.stringify(labels), labels)
      }
    })
    yield* [...found.values()].sort(compareLabels)
  }

  /** Names of labels, in the order of their bytes: of all series of the blocks, or of those that one of `match` selects. */
  async labelNames(asked: LabelQuery, signal: AbortSignal): Promise<readonly string[]> {
    const names = new Set<string>()
    await this.#labels(asked, signal, {
      all: (lookup, external) => {
        for (const name of [...lookup.labelNames(), ...external.keys()]) names.add(name)
      },
      series: labels => {
        for (const [name] of labels) names.add(name)
      },
    })
    return [...names].sort(compareText)
  }

  /** Values of a label, as `labelNames`. */
  async labelValues(name: string, asked: LabelQuery, signal: AbortSignal): Promise<readonly string[]> {
    const values = new Set<string>()
    await this.#labels(asked, signal, {
      all: (lookup, external) => {
        const own = external.get(name)
        if (own !== undefined) values.add(own)
        else lookup.eachValue(name, value => values.add(decoder.decode(value)))
      },
      series: labels => {
        const value = labels.find(([each]) => each === name)?.[1]
        if (value !== undefined) values.add(value)
      },
    })
    return [...values].sort(compareText)
  }

  async #labels(
    { match, from, to }: LabelQuery,
    signal: AbortSignal,
    take: {
      readonly all: (lookup: IndexLookup, external: ReadonlyMap<string, string>) => void
      readonly series: (labels: readonly Label[]) => void
    },
  ): Promise<void> {
    if (match.length === 0) {
      await this.#eachBlock([], { from, to }, signal, async (_, __, external, lookup) => {
        take.all(lookup, new Map(Object.entries(external).filter(([, value]) => value !== '')))
      })
    }
    for (const matchers of match) {
      await this.#eachBlock(matchers, { from, to }, signal, async (query, rest, external, lookup) => {
        // Of the block, whatever time the series have samples at, as in Prometheus.
        for (const { labels } of await query.select(lookup, rest, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)) {
          take.series(withExternal(labels, external))
        }
      })
    }
  }

  async #eachBlock(
    matchers: readonly LabelMatcher[],
    { from, to }: Pick<Selection, 'from' | 'to'>,
    signal: AbortSignal,
    visit: (
      query: BlockQuery,
      rest: readonly Matcher[],
      external: Readonly<Record<string, string>>,
      lookup: IndexLookup,
    ) => Promise<void>,
  ): Promise<void> {
    const budget = new Budget(this.#limits)
    using held = new DisposableStack()
    const blocks = this.#blocks(matchers.map(matcher), from, to).map(({ reader, rest }) => ({
      reader: held.use(reader),
      rest,
    }))
    await eachBounded(blocks, BLOCKS_AT_ONCE, async ({ reader, rest }) => {
      using header = await this.#headers.hold(reader, signal)
      await visit(
        new BlockQuery(reader, { reads: this.#reads, budget, signal }),
        rest,
        reader.meta.labels,
        header.lookup,
      )
    })
  }

  /**
   * The blocks that may have what is asked, with the matchers that their external labels do not answer; by their ids: where blocks
   * disagree about a sample, every gateway takes that of the same one.
   */
  #blocks(matchers: readonly Matcher[], from: number, to: number) {
    const blocks: { readonly reader: BlockReader; readonly rest: readonly Matcher[] }[] = []
    const loaded = this.#sink.loaded()
    if (this.#headers.size > loaded.size) this.#headers.forgetAllBut(loaded)
    for (const [id, { meta }] of loaded) {
      if (!mayHave(meta, from, to)) continue
      const rest = restOf(matchers, meta.labels)
      const reader = rest && this.#sink.open?.(id)
      if (reader) blocks.push({ reader, rest })
    }
    return blocks.sort((a, b) => (a.reader.meta.ulid < b.reader.meta.ulid ? -1 : 1))
  }
}

/** Raw blocks of the time: their end is exclusive. */
export function mayHave(meta: BlockMeta, from: number, to: number): boolean {
  return meta.resolution === 0 && meta.minTime <= to && from < meta.maxTime
}

/** The matchers but for those on external labels; undefined where one of these is against it. */
export function restOf(
  matchers: readonly Matcher[],
  external: Readonly<Record<string, string>>,
): readonly Matcher[] | undefined {
  const rest: Matcher[] = []
  for (const each of matchers) {
    const value = external[each.name]
    if (value === undefined || value === '') rest.push(each)
    else if (!each.matches(value)) return undefined
  }
  return rest
}

/** By their labels; those with the same labels as one. */
function merged(found: { readonly labels: readonly Label[]; readonly parts: Part[] }[]) {
  // One block's are in order already.
  if (isSorted(found)) return found
  found.sort((a, b) => compareLabels(a.labels, b.labels))
  let kept = 0
  for (const each of found) {
    const before = found[kept - 1]
    if (before && compareLabels(before.labels, each.labels) === 0) before.parts.push(...each.parts)
    else found[kept++] = each
  }
  found.length = kept
  return found
}

/** Each behind the one before it, by its labels. */
function isSorted(found: readonly { readonly labels: readonly Label[] }[]): boolean {
  for (let i = 1; i < found.length; i++) {
    const [a, b] = [found[i - 1], found[i]] as [{ labels: readonly Label[] }, { labels: readonly Label[] }]
    if (compareLabels(a.labels, b.labels) >= 0) return false
  }
  return true
}

async function withChunks(
  batch: readonly { readonly labels: readonly Label[]; readonly parts: readonly Part[] }[],
): Promise<readonly Series[]> {
  const asked = new Map<BlockQuery, BlockSeries[]>()
  for (const { parts } of batch)
    for (const { query, series } of parts) {
      const known = asked.get(query)
      if (known) known.push(series)
      else asked.set(query, [series])
    }
  const chunks = new Map<BlockSeries, readonly BlockChunk[]>()
  await eachBounded([...asked], BLOCKS_AT_ONCE, async ([query, series]) => {
    for (const [i, found] of (await query.chunks(series)).entries()) chunks.set(series[i] as BlockSeries, found)
  })
  return batch.map(({ labels, parts }) => {
    const [first] = parts
    if (first && parts.length === 1) return { labels, chunks: chunks.get(first.series) ?? [] }
    return { labels, chunks: distinct(parts.flatMap(({ series }) => chunks.get(series) ?? [])) }
  })
}

/** By time, and identical ones once: replicas of a block have the same chunks. */
function distinct(chunks: readonly BlockChunk[]): readonly BlockChunk[] {
  const sorted = [...chunks].sort((a, b) => a.from - b.from || a.to - b.to)
  return sorted.filter((chunk, i) => {
    for (let j = i - 1; j >= 0 && sorted[j]?.from === chunk.from; j--)
      if (isSame(sorted[j] as BlockChunk, chunk)) return false
    return true
  })
}

function isSame(a: BlockChunk, b: BlockChunk): boolean {
  const [x, y] = [a.chunk, b.chunk]
  return (
    a.to === b.to &&
    x.encoding === y.encoding &&
    x.data.length === y.data.length &&
    x.data.every((byte, i) => byte === y.data[i])
  )
}
