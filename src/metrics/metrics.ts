/** What the engine tells while it works. A runtime hands an implementation over as `Platform.metrics`; without one nothing is measured. */
import type { BlockId } from '../block.ts'
import type { Bucket, Host, LocalFiles } from '../host.ts'
import type { Health } from '../lifecycle.ts'
import type { LoadedBlock } from '../stage.ts'
import type { RunSummary } from '../summary.ts'

/** Made by `createMetrics`, for one gateway. No method throws. */
export interface Metrics {
  /** Where the gauges are read from, at each scrape. */
  observe(subject: MetricsSubject): void
  /** The time that a stage took itself. */
  stage(name: string, ms: number): void
  /** The sink shows a block that it did not show before. */
  added(bytes: number): void
  /** A try failed, and another one follows in this run. */
  retried(stage: string, code: string): void
  /** What the end of a run did with a loaded block. */
  settled(kind: 'dropped' | 'retained', reason: string): void
  run(end: MeasuredRun): void
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

/** As in the catalogue. */
export interface MeasuredBlock {
  readonly state: string
  readonly reason: string
  readonly events: readonly { readonly kind: string }[]
}

export interface MetricsSubject {
  readonly host: Host
  readonly files: LocalFiles | undefined
  /** Every block of the catalogue. */
  blocks(): Iterable<MeasuredBlock>
  loaded(): ReadonlyMap<BlockId, LoadedBlock>
  inFlight(): number
  deaths(): number
  health(): readonly Health[]
}
