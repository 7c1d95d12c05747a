/** What the engine tells while it works. A runtime hands an implementation over as `Platform.metrics`; without one nothing is measured. */

import type { SpanContext } from '@opentelemetry/api'
import type { BlockId, Candidate } from './block.ts'
import type { Bucket, Health, Host, Instance, LocalFiles } from './host.ts'
import type { IntervalReason } from './interval.ts'
import type { Plan } from './plan.ts'
import type { PrewarmStats } from './prewarm.ts'
import type { LoadedBlock } from './stage.ts'
import type { RunSummary } from './summary.ts'

/** Made by `createMetrics`, for one gateway. No method throws. */
export interface Metrics {
  /** Where the gauges are read from, at each scrape. */
  observe(subject: MetricsSubject): void
  /** The time that a stage took itself; `span` is the stage's, where it has one. */
  stage(name: string, ms: number, span?: SpanContext): void
  /** The sink shows a block that it did not show before. */
  added(bytes: number, block: Candidate): void
  /** A try failed, and another one follows in this run. */
  retried(stage: string, code: string): void
  /** What the end of a run did with a loaded block. */
  settled(kind: 'dropped' | 'retained', reason: string): void
  /** Blocks are offered to the add once more in the same run. */
  reoffered(blocks: number): void
  /** A load ended before its block was shown; `wastedBytes` of it were loaded, 0 where it had not come to its end. */
  addAborted(wastedBytes: number): void
  /** What a change of the epoch asked of this gateway is done, `ms` after it was seen. */
  converged(ms: number): void
  run(end: MeasuredRun): void
  /** A call of a plugin or a listener threw that must not throw. */
  fault?(call: string): void
  /** Spans that never reached the collector: `onLost` of setupTracing(). */
  spansLost?(spans: number, reason: string): void
  /** A query that ended. */
  query?(end: MeasuredQuery): void
  /** Where the gauges of queries are read from. */
  observeQueries?(queries: MeasuredQueries): void
  /** Where the counters of reads of the bucket are read from. */
  observeReads?(reads: MeasuredReads): void
  /** The bucket, with each of its requests counted. It belongs inside retried(): what the store sees is what counts. */
  measured(bucket: Bucket, host: Host): Bucket
}

/** A run that ended. */
export interface MeasuredRun {
  readonly status: 'done' | 'failed' | 'stopped'
  readonly summary: RunSummary
  /** Whether it asked the source. */
  readonly listed: boolean
  /** Blocks that came past owned(). */
  readonly assigned: number
}

export type QueryApi = 'read' | 'series' | 'labels' | 'values'

/**
 * `warned`: answered, and it may be short. `refused`: above a limit. `incomplete`: blocks are missing. `invalid`: it cannot be answered
 * by anybody. `aborted`: its client went.
 */
export type QueryOutcome = 'ok' | 'warned' | 'refused' | 'incomplete' | 'invalid' | 'aborted' | 'failed'

export interface MeasuredQuery {
  readonly api: QueryApi
  readonly outcome: QueryOutcome
  readonly ms: number
  /** Of its trace, where it has one. */
  readonly span?: SpanContext | undefined
  readonly series: number
  readonly chunks: number
  readonly samples: number
  /** Read from files of blocks, or from a cache. */
  readonly bytes: number
  readonly cached: { readonly hits: number; readonly bytes: number }
  /** The limit that refused it. */
  readonly limit: string | undefined
  /** Reasons of warnings. */
  readonly warnings: readonly string[]
}

/** What is told of queries. */
export type QueryMetrics = Pick<Metrics, 'query' | 'observeQueries' | 'observeReads'>

export interface MeasuredQueries {
  running(): number
  queued(): number
  /** Bytes that all of them hold. */
  memory(): number
}

/** Counts that go on, of what queries read from the bucket. */
export interface MeasuredReads {
  /** Reads that were begun once more, and those of them that were the faster ones. Undefined: none ever is. */
  readonly hedges: { readonly again: number; readonly won: number } | undefined
  readonly cache:
    | { readonly failures: number; readonly counts: Readonly<Record<string, { readonly misses: number }>> }
    | undefined
}

/** As in the catalogue. */
export interface MeasuredBlock {
  readonly candidate: Candidate | undefined
  readonly state: string
  /** Who said so: a stage's name. */
  readonly by: string
  readonly reason: string
  /** When state or reason last changed, ms since the epoch. */
  readonly since: number
  readonly events: readonly { readonly kind: string; readonly by: string }[]
}

export interface MetricsSubject {
  readonly host: Host
  readonly files: LocalFiles | undefined
  readonly plan: Plan
  /** Whose metrics these are. */
  readonly instance: Instance
  /** What `work`, a call of a plugin, gives; undefined where it throws, which is told. */
  guard<T>(call: string, work: () => T): T | undefined
  /** Every block of the catalogue. */
  blocks(): Iterable<MeasuredBlock>
  block(id: BlockId): MeasuredBlock | undefined
  /** As in Pace. */
  readonly pace: { readonly ms: number; readonly why: IntervalReason; readonly due: number | undefined }
  loaded(): ReadonlyMap<BlockId, LoadedBlock>
  /** Of what loads blocks ahead; undefined where nothing does. */
  prewarm?(): PrewarmStats | undefined
  inFlight(): number
  deaths(): number
  /** Loaded blocks that a person is asked about. */
  unconfirmed(): number
  health(): readonly Health[]
  /** As /-/ready. */
  ready(): boolean
}
