/** The engine. Web APIs only: it runs on Node, Deno and Cloudflare Workers. */
export { type Backoff, backoffMs } from './async/backoff.ts'
export { type Duration, durationMs, parseDuration } from './async/duration.ts'
export { type LinkedSignal, linkSignals, orAborted, sleep } from './async/signals.ts'
export { inSlices, pause, sortInSlices } from './async/slices.ts'
export { Turns } from './async/turns.ts'
export {
  type BlockFile,
  type BlockId,
  type BlockMeta,
  blockId,
  blockIdTime,
  type Candidate,
  isBlockId,
  type Marker,
} from './block.ts'
export { BlockMap } from './block-map.ts'
export type { BucketReader, BucketWriter, ListPage, ObjectBody, ObjectInfo, Range, UnreadableKey } from './bucket.ts'
export { BucketError, type BucketErrorOptions, isTransient } from './bucket-error.ts'
export {
  type BlockEvent,
  type BlockState,
  Catalogue,
  type CatalogueEntry,
} from './catalogue.ts'
export { checkOptions, durationOption } from './check.ts'
export {
  type Config,
  ConfigError,
  type ConfigInput,
  defineConfig,
  describeProblem,
  type ResolvedConfig,
  resolveConfig,
} from './config.ts'
export {
  BlockgateError,
  codeOf,
  ErrorCode,
  type ErrorOptions,
  isOwnershipUnavailable,
  isRetryable,
  LeaseLost,
  OwnershipUnavailable,
  rawMessageOf,
  StaleFence,
} from './errors.ts'
export type { ExplainStep, ExplainVerdict, Explanation } from './explain.ts'
export { type Gateway, gateway, type Platform } from './gateway.ts'
export type {
  Bucket,
  Component,
  Fields,
  Host,
  Instance,
  LocalFile,
  LocalFiles,
  Log,
  Problem,
  Services,
  StateStore,
} from './host.ts'
export { instant } from './instant.ts'
export type { ComponentState, Health } from './lifecycle.ts'
export { type ListenAddress, parseListenAddress } from './listen-address.ts'
export type { MeasuredBlock, MeasuredRun, Metrics, MetricsSubject } from './metrics/metrics.ts'
export type { NoteSummary, Notes } from './notes.ts'
export { everything, held, type OwnedStage, owned } from './owned.ts'
export type {
  Claim,
  Epoch,
  Handover,
  HandoverCounts,
  Lease,
  Member,
  MemberState,
  MemberStats,
  Operator,
  Owner,
  OwnershipChange,
  OwnershipFunction,
  OwnershipPlugin,
  Ring,
  RingMember,
  Standing,
} from './ownership.ts'
export { type Named, type Plan, planPipeline, type Segment } from './plan.ts'
export type { Readiness } from './readiness.ts'
export type { RunProgress, RunReport, RunResult } from './run-result.ts'
export type { SyncRequest } from './runner.ts'
export {
  type BlockContext,
  type BlockReader,
  type BlockResult,
  type BlockSink,
  type BlockSource,
  type BlockStage,
  type LoadedBlock,
  type Next,
  type Outcome,
  type Page,
  type PartialBlock,
  type Pipeline,
  type PreparedBlock,
  type RangeReader,
  type RunContext,
  type RunReason,
  type Selection,
  type SetStage,
  type Skip,
  type SkipOptions,
  type Stage,
  skip,
  type ViewEnd,
} from './stage.ts'
export { memoryState, scopedState } from './state.ts'
export type { FailureSummary, RunSummary, StageSummary } from './summary.ts'
