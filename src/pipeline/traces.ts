/** Where traces come from: an engine whose program sets none up does without their code. */
import type { Context, SpanContext } from '@opentelemetry/api'
import type { Around } from '../bucket/wrappers/wrapped.ts'
import type { BlockId, Candidate } from '../contracts/block.ts'
import type { BlockgateError } from '../contracts/errors.ts'
import type { Host, LocalFiles, StateStore } from '../contracts/host.ts'
import type { Metrics } from '../contracts/metrics.ts'
import type { OwnershipPlugin } from '../contracts/ownership.ts'
import type { BlockResult, RunReason } from '../contracts/stage.ts'
import type { RunSummary } from '../contracts/summary.ts'
import type { BlockTrace } from './block-trace.ts'
import type { LeftInFlight, LoadJournal } from './journal.ts'

/** What a block's verdict was last: while it stays the same, the block leaves no trace. */
export interface LastVerdict {
  /** As in BlockResult, or `partial`. */
  readonly kind: string
  readonly by: string
  readonly reason: string
  /** The id of its run. */
  readonly run: string
}

/** As in the catalogue. */
export interface KnownBlock {
  readonly candidate: Candidate | undefined
  readonly reason: string
  readonly since: number
  /** The newest last. */
  readonly events: readonly LastVerdict[]
  readonly trace: SpanContext | undefined
}

/** What is known of blocks from the runs before. */
export interface TraceMemory {
  get(id: BlockId): KnownBlock | undefined
  /** Its next trace is linked to this one. */
  traced(id: BlockId, span: SpanContext): void
}

export interface TracedRun {
  readonly host: Host
  readonly id: string
  readonly reason: RunReason
  readonly instance: string
  /** Spans of those who asked for it: the first one is its parent. */
  readonly asked: readonly SpanContext[]
  readonly memory: TraceMemory
  readonly ownership: OwnershipPlugin
  readonly metrics: Metrics | undefined
}

/** The trace of a run. */
export interface RunTrace {
  /** Source and set stages stand under it. */
  readonly context: Context
  /** ms since the epoch. */
  readonly clock: () => number
  block(id: BlockId): BlockTrace
  /** Whether the result is another one than last time. */
  isNews(id: BlockId, result: BlockResult): boolean
  /** Writes down where the last traces are, for the process after this one. */
  write(state: StateStore): Promise<void>
  /** `before`: the code that the run before failed with; a failure that repeats is no news, and its end is. */
  end(summary: RunSummary, error: BlockgateError | undefined, before: string | undefined): void
}

/** What knows of the blocks whose loads a crash ended. */
export interface AfterDeath {
  readonly host: Host
  readonly instance: { readonly id: string }
  readonly journal: LoadJournal
  readonly memory: TraceMemory
}

export interface Traces {
  /** Undefined where nobody traces. */
  run(run: TracedRun): RunTrace | undefined
  /** Around each request to the bucket. */
  readonly bucket: Around
  /** A gateway begins: reads what the process before has written down. Never rejects. `instance`: its id, of which the first is the process's. */
  recall(memory: TraceMemory, state: StateStore, instance: string): Promise<void>
  /** The id of the first gateway of this process that began; undefined before. */
  readonly instance: string | undefined
  files(files: LocalFiles): LocalFiles
  /** The span in which somebody asks for a run now. */
  asker(): SpanContext | undefined
  /** The process before this one died while it loaded blocks. */
  died(engine: AfterDeath, left: LeftInFlight): void
}

let traces: Traces | undefined

/** From now on engines make traces. */
export function useTraces(made: Traces): void {
  traces = made
}

export function currentTraces(): Traces | undefined {
  return traces
}
