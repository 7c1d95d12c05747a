/** The blocks of a sink asked together: which ones, their series merged, and the chunks of each series in order. */
import { eachBounded } from '../async/each.ts'
import type { EntryCache } from '../cache/entry-cache.ts'
import { DEFAULT_LIMITS, type QueryLimits } from '../contracts/query-limits.ts'
import type { BlockReader, BlockSink } from '../contracts/stage.ts'
import type { IndexLookup } from '../tsdb/index-lookup.ts'
import { BLOCKS_AT_ONCE, nextBatch, withChunks } from './batch.ts'
import { BlockQuery } from './block.ts'
import { KEPT_SERIES, Room } from './block-selection.ts'
import type { Series } from './block-series.ts'
import { chooseBlocks } from './choose-blocks.ts'
import { Headers } from './headers.ts'
import type { Hedge } from './hedge.ts'
import { compareLabels, compareText, type Label } from './labels.ts'
import { type LabelMatcher, type Matcher, matcher } from './matchers.ts'
import { type MergeSource, merged } from './merge.ts'
import { QueryRun } from './query-run.ts'
import { Reads } from './reads.ts'
import type { Selection } from './selection.ts'

export type { Selection } from './selection.ts'

export type { Series }

export interface QuerierOptions {
  readonly sink: Pick<BlockSink, 'loaded' | 'open'>
  readonly limits?: Partial<QueryLimits> | undefined
  /** Bytes of index-headers that stay in memory. Default 256 MiB. */
  readonly headerMemory?: number | undefined
  /** Bytes between two ranges of an index that are read rather than asked for apart. Default 512 KiB. */
  readonly gap?: number | undefined
  /** What was read from the bucket. Default: nothing is kept. */
  readonly cache?: EntryCache | undefined
  /** Begins slow reads of the bucket once more. Default: none. */
  readonly hedge?: Hedge | undefined
  /** Series of a query that stay decoded while it is answered; of more the bytes stay. Default 16,384. */
  readonly keptSeries?: number | undefined
}

/** Which series' labels are asked for; none of `match` stands for all. Times are inclusive, ms. */
export interface LabelQuery {
  readonly match: readonly (readonly LabelMatcher[])[]
  readonly from: number
  readonly to: number
  readonly maxResolution?: number | undefined
}

const ALL_TIMES = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }
/** Index-headers that are opened at once, of all queries. */
const OPENING = 8
const HEADER_MEMORY = 256 * 1024 * 1024

const decoder = new TextDecoder()

export class Querier {
  readonly #sink: QuerierOptions['sink']
  readonly #headers: Headers
  readonly #limits: QueryLimits
  readonly #reads: Reads
  readonly #keptSeries: number

  constructor({ sink, limits, headerMemory = HEADER_MEMORY, keptSeries = KEPT_SERIES, ...reads }: QuerierOptions) {
    this.#sink = sink
    this.#limits = { ...DEFAULT_LIMITS, ...limits }
    this.#headers = new Headers({ maxBytes: headerMemory, concurrency: OPENING })
    this.#reads = new Reads(reads)
    this.#keptSeries = keptSeries
  }

  /**
   * The series that all matchers select, by their labels, in batches: each batch is read when it is asked for. No matcher selects
   * nothing, as in Prometheus. The blocks are held until the iteration ends.
   *
   * @param asked what the query may take; of a signal alone, the limits of this querier
   * @throws BlockgateError `invalid-query`, `query-too-large`, or what reading a block throws: no series is left out, unless the run
   * goes on without blocks that are bad
   */
  async *select(
    selection: Selection,
    asked: AbortSignal | QueryRun,
  ): AsyncGenerator<readonly Series[], void, undefined> {
    using begun = this.#begin(asked)
    const { run } = begun
    const { budget, times, signal } = run
    const before = budget.held
    using held = new DisposableStack()
    held.defer(() => budget.release(before))
    times.enter('select')
    const ready = selection.matchers.map(matcher)
    if (ready.length === 0) return
    run.selects(selection)
    const room = new Room(this.#keptSeries)
    const found = await eachBounded(this.#blocks(ready, selection, held), BLOCKS_AT_ONCE, async ({ reader, rest }) => {
      const { ulid } = reader.meta
      return await run.of(ulid, async (): Promise<MergeSource> => {
        using header = await times.of(ulid).timed('header', () => this.#headers.hold(reader, signal))
        const query = this.#query(reader, run)
        return { query, series: await query.select(header.lookup, rest, selection, room) }
      })
    })
    const sources = found.filter(each => each !== undefined)
    // Of what was read of the indexes only this stays.
    budget.release(before)
    budget.hold(sources.reduce((sum, { series }) => sum + series.bytes, 0))
    const kept = budget.held
    const all = merged(sources)
    for (;;) {
      signal.throwIfAborted()
      times.enter('chunks')
      const selected = await nextBatch(all, run)
      const batch = await withChunks(selected, run)
      times.enter('write')
      if (selected.length === 0) break
      yield batch
      budget.release(kept)
    }
  }

  /** The labels of the series that all matchers select and that have chunks in the time, in their order, each once. */
  async *labelSets(
    selection: Selection,
    asked: AbortSignal | QueryRun,
  ): AsyncGenerator<readonly Label[], void, undefined> {
    const found = new Map<string, readonly Label[]>()
    using begun = this.#begin(asked)
    await this.#eachBlock(selection.matchers, selection, begun.run, async (query, rest, _, lookup) => {
      for (const { labels } of await query.select(lookup, rest, selection)) found.set(JSON.stringify(labels), labels)
    })
    yield* [...found.values()].sort(compareLabels)
  }

  /** Names of labels, in the order of their bytes: of all series of the blocks, or of those that one of `match` selects. */
  async labelNames(labels: LabelQuery, asked: AbortSignal | QueryRun): Promise<readonly string[]> {
    const names = new Set<string>()
    using begun = this.#begin(asked)
    await this.#labels(labels, begun.run, {
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
  async labelValues(name: string, labels: LabelQuery, asked: AbortSignal | QueryRun): Promise<readonly string[]> {
    const values = new Set<string>()
    using begun = this.#begin(asked)
    await this.#labels(labels, begun.run, {
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
    { match, ...range }: LabelQuery,
    run: QueryRun,
    take: {
      readonly all: (lookup: IndexLookup, external: ReadonlyMap<string, string>) => void
      readonly series: (labels: readonly Label[]) => void
    },
  ): Promise<void> {
    if (match.length === 0) {
      await this.#eachBlock([], range, run, async (_, __, external, lookup) => {
        take.all(lookup, new Map(Object.entries(external).filter(([, value]) => value !== '')))
      })
    }
    for (const matchers of match) {
      await this.#eachBlock(matchers, range, run, async (query, rest, _, lookup) => {
        // Of the block, whatever time the series have samples at, as in Prometheus.
        for (const { labels } of await query.select(lookup, rest, ALL_TIMES)) take.series(labels)
      })
    }
  }

  async #eachBlock(
    matchers: readonly LabelMatcher[],
    range: Omit<Selection, 'matchers'>,
    run: QueryRun,
    visit: (
      query: BlockQuery,
      rest: readonly Matcher[],
      external: Readonly<Record<string, string>>,
      lookup: IndexLookup,
    ) => Promise<void>,
  ): Promise<void> {
    const { budget, times, signal } = run
    const before = budget.held
    using held = new DisposableStack()
    held.defer(() => budget.release(before))
    times.enter('select')
    const ready = matchers.map(matcher)
    run.selects({ ...range, matchers })
    const blocks = this.#blocks(ready, range, held)
    await eachBounded(blocks, BLOCKS_AT_ONCE, async ({ reader, rest }) => {
      const { ulid, labels } = reader.meta
      await run.of(ulid, async () => {
        using header = await times.of(ulid).timed('header', () => this.#headers.hold(reader, signal))
        const query = this.#query(reader, run)
        await visit(query, rest, labels, header.lookup)
      })
    })
    times.enter('write')
  }

  /**
   * The blocks that may have what is asked, each held, with the matchers that their external labels do not answer; by their ids: where
   * blocks disagree about a sample, every gateway takes that of the same one.
   */
  #blocks(
    matchers: readonly Matcher[],
    { from, to, maxResolution = 0 }: Omit<Selection, 'matchers'>,
    held: DisposableStack,
  ) {
    const loaded = this.#sink.loaded()
    if (this.#headers.size > loaded.size) this.#headers.forgetAllBut(loaded)
    const blocks: { readonly reader: BlockReader; readonly rest: readonly Matcher[] }[] = []
    for (const { meta, rest } of chooseBlocks(loaded.values(), { matchers, from, to, maxResolution })) {
      const reader = this.#sink.open?.(meta.ulid)
      if (reader) blocks.push({ reader: held.use(reader), rest })
    }
    return blocks.sort((a, b) => (a.reader.meta.ulid < b.reader.meta.ulid ? -1 : 1))
  }

  #query(reader: BlockReader, run: QueryRun): BlockQuery {
    const { budget, signal, times } = run
    const pause = () => run.pause()
    return new BlockQuery(reader, { reads: this.#reads, budget, signal, times: times.of(reader.meta.ulid), pause })
  }

  /** The run of the caller, who ends it, or one of our own, which ends here. */
  #begin(asked: AbortSignal | QueryRun): { readonly run: QueryRun } & Disposable {
    if (asked instanceof QueryRun) return { run: asked, [Symbol.dispose]: () => {} }
    const run = new QueryRun(asked, { limits: this.#limits })
    return { run, [Symbol.dispose]: () => run[Symbol.dispose]() }
  }
}
