/** The engine. Web APIs only: it runs on Node, Deno and Cloudflare Workers. */
export { type Backoff, backoffMs } from './async/backoff.ts'
export { eachBounded } from './async/each.ts'
export { type LinkedSignal, linkSignals, orAborted, sleep } from './async/signals.ts'
export { inSlices, pause, sortInSlices } from './async/slices.ts'
export { Turns } from './async/turns.ts'
export { BucketError, type BucketErrorOptions, isTransient } from './bucket/error.ts'
export {
  type BlockEvent,
  type BlockState,
  Catalogue,
  type CatalogueEntry,
} from './catalogue/catalogue.ts'
export {
  type Config,
  ConfigError,
  type ConfigInput,
  defineConfig,
  describeProblem,
  type ResolvedConfig,
  resolveConfig,
} from './config/config.ts'
export { type ListenAddress, parseListenAddress } from './config/listen-address.ts'
export type { CacheConfig, HedgeConfig, ResolvedServe, ServeConfig, ServeLimits } from './config/serve.ts'
export type { TracesConfig } from './config/traces.ts'
export {
  type BlockFile,
  type BlockId,
  type BlockMeta,
  blockId,
  blockIdTime,
  type Candidate,
  isBlockId,
  type Marker,
} from './contracts/block.ts'
export { BlockMap, BlockSet } from './contracts/block-map.ts'
export type {
  BucketReader,
  BucketWriter,
  ListPage,
  ObjectBody,
  ObjectInfo,
  Range,
  RequestDetails,
  RequestOptions,
  UnreadableKey,
} from './contracts/bucket.ts'
export type { ByteCache, CacheEntry, CacheKind, CacheServices, CacheStats } from './contracts/cache.ts'
export { checkOptions, durationOption } from './contracts/check.ts'
export { type Duration, durationMs, instant, parseDuration } from './contracts/duration.ts'
export {
  BlockgateError,
  codeOf,
  ErrorCode,
  type ErrorOptions,
  errorFields,
  isOwnershipUnavailable,
  isRetryable,
  LeaseLost,
  OwnershipUnavailable,
  rawMessageOf,
  StaleFence,
} from './contracts/errors.ts'
export type {
  Bucket,
  Component,
  ComponentState,
  Fields,
  FileLook,
  Health,
  Host,
  Instance,
  LocalFile,
  LocalFiles,
  Log,
  Problem,
  Services,
  StateStore,
} from './contracts/host.ts'
export type { Interval, IntervalController, IntervalReason, Listed, NextListing } from './contracts/interval.ts'
export type { MeasuredBlock, MeasuredRun, Metrics, MetricsSubject } from './contracts/metrics.ts'
export type {
  Claim,
  Dependency,
  Epoch,
  Handover,
  HandoverCounts,
  HeldSlots,
  Lease,
  Member,
  MemberState,
  MemberStats,
  Operator,
  Owner,
  OwnershipChange,
  OwnershipFunction,
  OwnershipPlugin,
  PlacementCounts,
  Ring,
  RingMember,
  Standing,
} from './contracts/ownership.ts'
export type { Named, Plan, Segment } from './contracts/plan.ts'
export type { Prewarm, Prewarmer, PrewarmPause, PrewarmServices, PrewarmStats } from './contracts/prewarm.ts'
export type { QueryLimits } from './contracts/query-limits.ts'
export {
  type BlockContext,
  type BlockReader,
  type BlockResult,
  type BlockSink,
  type BlockSource,
  type BlockStage,
  type LoadedBlock,
  type Next,
  type ObjectVersion,
  type Outcome,
  type Page,
  type PartialBlock,
  type Pipeline,
  type PreparedBlock,
  type RangeReader,
  type ReadBlock,
  type RunContext,
  type RunReason,
  type Selection,
  type SetStage,
  type SharedReads,
  type Skip,
  type SkipOptions,
  type Stage,
  skip,
  type Tail,
  type ViewEnd,
  type WarmBlocks,
} from './contracts/stage.ts'
export { memoryState, scopedState } from './contracts/state.ts'
export type { FailureSummary, NoteSummary, Notes, RunSummary, StageSummary } from './contracts/summary.ts'
export type { ExplainStep, ExplainVerdict, Explanation } from './explain/explain.ts'
export { type Gateway, gateway, type Platform } from './gateway.ts'
export { everything, held, type OwnedStage, owned } from './pipeline/owned.ts'
export { planPipeline } from './pipeline/plan.ts'
export type { Readiness } from './sync/readiness.ts'
export type { RunProgress, RunReport, RunResult } from './sync/run-result.ts'
export type { SyncRequest } from './sync/runner.ts'
