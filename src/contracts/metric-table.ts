/** Every metric, in one table: what createMetrics makes, what docs/metrics.md lists. Names as Prometheus shows them. */

export interface MetricInfo<Label extends string = string> {
  /** Of a counter with its `_total`. */
  readonly name: string
  /** Until 0.1; told under both names for one release. */
  readonly oldName: string | undefined
  readonly kind: 'counter' | 'gauge' | 'histogram'
  /** As in UCUM; the name says it once more, in Prometheus' words. */
  readonly unit: 's' | 'By' | undefined
  /** One sentence, without a final period. */
  readonly help: string
  readonly labels: readonly Label[]
  /** Upper bounds of a histogram's buckets. */
  readonly buckets: readonly number[] | undefined
}

/** Name with labels, and help. */
const TABLE = {
  blocks: ['blockgate_blocks{state,reason}', 'Blocks of the view by state and reason, in the words of /api/v1/blocks'],
  assigned: ['blockgate_blocks_assigned', 'Blocks that belong to this gateway, by the last run that was done'],
  loaded: ['blockgate_blocks_loaded', 'Blocks that the sink holds'],
  serving: ['blockgate_blocks_serving', 'Blocks in the states serving, pending-hand-off or last-copy'],
  inFlight: ['blockgate_blocks_in_flight', 'Blocks on their way through the stages now'],
  loadedBytes: ['blockgate_loaded_bytes', 'Bytes of the blocks that the sink holds'],
  added: ['blockgate_blocks_added_total', 'Blocks that the sink took and shows'],
  addedBytes: ['blockgate_added_bytes_total', 'Bytes of the blocks that the sink took'],
  skipped: ['blockgate_blocks_skipped_total{stage,reason}', 'Blocks that a stage skipped, once a run'],
  failed: [
    'blockgate_blocks_failed_total{stage,code}',
    'Blocks that had failed when a run ended, by the failing stage',
  ],
  dropped: ['blockgate_blocks_dropped_total{reason}', 'Loaded blocks that a run dropped'],
  unconfirmed: ['blockgate_drops_unconfirmed', 'Loaded blocks that are kept until a person confirms the drop'],
  retained: [
    'blockgate_blocks_retained_total{reason}',
    'Loaded blocks that a run kept though something spoke against it',
  ],
  retried: ['blockgate_blocks_retried_total{stage,code}', 'Failed tries that were followed by another in the same run'],
  stageDuration: [
    'blockgate_stage_duration_seconds{stage}',
    'Time of a stage, without the stages below it: for each block, or for each call of a source or set stage',
  ],
  requests: [
    'blockgate_bucket_requests_total{op,code}',
    'Requests to the bucket, every try: ok, not-found, conflict, aborted, http-<status> or an error code',
  ],
  requestDuration: [
    'blockgate_bucket_request_duration_seconds{op}',
    'Time of one request to the bucket; a get ends when its body was read or let go',
  ],
  readBytes: ['blockgate_bucket_read_bytes_total', 'Bytes that were read from the bucket'],
  bucketLimit: [
    'blockgate_bucket_concurrency_limit',
    'Requests at once that the store is given now; absent for a bucket without a limit',
  ],
  writtenBytes: ['blockgate_bucket_written_bytes_total', 'Bytes that were sent to the bucket, every try counted'],
  runs: [
    'blockgate_runs_total{reason,status,listed}',
    'Runs that ended: done, failed or stopped; and whether they listed all, new blocks alone (new), or nothing (none)',
  ],
  runDuration: ['blockgate_run_duration_seconds{reason}', 'Time of one run'],
  viewAge: [
    'blockgate_last_complete_view_age_seconds',
    'Time since the last run that saw the whole bucket, or all that was new in it; absent before it',
  ],
  interval: [
    'blockgate_sync_interval_seconds{why}',
    'Time from one listing of the bucket to the next, and why it is that (fixed, staleness, rate, budget, from, to, failed): docs/sync.md; absent where listings do not come by themselves',
  ],
  staleness: [
    'blockgate_block_staleness_seconds',
    'From the upload of a new block until it is served; without blocks that were there before the first listing, or came from another gateway',
  ],
  warmBlocks: [
    'blockgate_prewarm_blocks',
    'Blocks that are loaded ahead (prewarm), for when they come here; they are not served; absent without prewarm, as all of these',
  ],
  warmBytes: ['blockgate_prewarm_bytes', 'Bytes of the blocks that are loaded ahead'],
  warmed: ['blockgate_prewarm_loaded_total', 'Blocks that were loaded ahead'],
  warmFailed: ['blockgate_prewarm_failed_total', 'Loads ahead that failed'],
  warmHits: ['blockgate_prewarm_hits_total', 'Blocks that were added from what was loaded ahead, without a request'],
  warmWasted: [
    'blockgate_prewarm_wasted_total',
    'Blocks that were loaded ahead and not used for an hour, or let go of before, each once',
  ],
  warmPaused: [
    'blockgate_prewarm_paused{reason}',
    '1 for why nothing is loaded ahead now (sync, queries, unknown), 0 for the others',
  ],
  journalCrashes: [
    'blockgate_journal_crashes',
    'Crashes of the process while it loaded a block, over all blocks that were not loaded since',
  ],
  diskUsed: [
    'blockgate_disk_used_bytes',
    'Bytes of all files below dir, measured after a run that changed something; absent without a disk',
  ],
  diskFree: [
    'blockgate_disk_free_bytes',
    'Free bytes of the disk that holds dir, measured after each run; absent without a disk',
  ],
  reoffered: [
    'blockgate_blocks_reoffered_total',
    'Blocks that were offered once more in the same run, because their owners changed',
  ],
  addsAborted: [
    'blockgate_adds_aborted_total',
    'Loads that were given up, because another gateway owns and serves the block',
  ],
  wastedBytes: [
    'blockgate_wasted_bytes_total',
    'Bytes that were loaded and thrown away, because another gateway owns and serves the block',
  ],
  pendingHandOffOldest: [
    'blockgate_blocks_pending_hand_off_oldest_seconds',
    'How long the oldest pending hand-off has waited; 0 where there is none',
  ],
  lastCopy: ['blockgate_blocks_last_copy', 'Blocks with a pending hand-off that no other gateway serves'],
  lastCopyOldest: [
    'blockgate_blocks_last_copy_oldest_seconds',
    'How long the oldest last copy has been one; 0 where there is none',
  ],
  underReplicated: [
    'blockgate_blocks_under_replicated',
    'Blocks with fewer live servers than owners, counted by their first live owner; absent where owners are not known',
  ],
  epoch: [
    'blockgate_ownership_epoch',
    'Version of the ownership view that this gateway has seen; absent without members',
  ],
  converged: [
    'blockgate_ownership_converged_seconds',
    'From a change of the epoch until all blocks that it gave to this gateway are served, and all that it took are dropped',
  ],
  members: [
    'blockgate_members{state}',
    'Members by state (active, leaving, down); absent without members, and while their store cannot be read',
  ],
  expiriesRefused: [
    'blockgate_member_expiries_refused_total',
    'Silent members that were not marked unhealthy, because too many were silent at once',
  ],
  heartbeatDelay: [
    'blockgate_member_heartbeat_delay_seconds',
    'How late a heartbeat began: the longest of the last 60',
  ],
  storeErrors: [
    'blockgate_member_store_errors_total',
    'Calls to the member store that failed, or whose answer was lost',
  ],
  storeBroken: ['blockgate_member_store_broken_entries_total', 'Invalid entries of the member store, left out'],
  placementNamed: ['blockgate_placement_named_blocks', 'Blocks that the published placement names'],
  placementSkew: [
    'blockgate_placement_skew_ratio',
    'The most bytes of a member to the mean, when this gateway last looked; absent before',
  ],
  placementsPublished: ['blockgate_placement_published_total', 'Placements published by this gateway'],
  placementsLost: ['blockgate_placement_lost_total', 'Placements that came too late: members had changed'],
  placementsBroken: ['blockgate_placement_broken_total', 'Published placements that could not be read'],
  standing: [
    'blockgate_member_standing{standing}',
    '1 for what this gateway is to the member store (joining, alone, member, leaving, superseded), 0 for the others',
  ],
  faults: [
    'blockgate_faults_total{call}',
    'Calls of a plugin or listener that threw and must not; after three runs in a row /-/healthy answers 503',
  ],
  spansLost: [
    'blockgate_trace_spans_lost_total{reason}',
    'Spans that never reached the collector: queue-full, refused, not-encoded, unreachable (at the end) or late (after it)',
  ],
  component: [
    'blockgate_component_running{component}',
    '1 for a part of the pipeline that is running, 0 for one that is not',
  ],
  ready: ['blockgate_ready', '1 while /-/ready answers 200, else 0'],
  dependencyUp: [
    'blockgate_dependency_up{dependency,server}',
    '1 where the last request to it was answered, else 0: bucket, member-store, lock-server (with server); absent before the first one',
  ],
  buildInfo: ['blockgate_build_info{version}', 'Always 1; the version of blockgate'],
  queryDuration: [
    'blockgate_query_duration_seconds{api,outcome}',
    'Time of a query until the last byte of its answer, with its time in the queue: ok, warned, refused, incomplete, invalid, aborted or failed',
  ],
  queriesInFlight: ['blockgate_queries_in_flight', 'Queries that are answered now'],
  queriesQueued: ['blockgate_queries_queued', 'Queries that wait for their turn'],
  queryMemory: ['blockgate_query_memory_bytes', 'Bytes of blocks and answers that all queries hold now'],
  queriesDropped: [
    'blockgate_queries_dropped_total{reason}',
    'Queries that were refused, by the key of the limit below serve.limits',
  ],
  querySeries: ['blockgate_query_series_total{api,outcome}', 'Series of blocks that queries selected'],
  queryChunks: ['blockgate_query_chunks_total{api,outcome}', 'Chunks of blocks that queries selected'],
  querySamples: ['blockgate_query_samples_total{api,outcome}', 'Samples that queries answered'],
  queryBytes: ['blockgate_query_read_bytes_total{api,outcome}', 'Bytes of blocks that queries read, from a cache, too'],
  queryCacheHits: ['blockgate_query_cache_hits_total{api}', 'Entries of blocks that queries found in a cache'],
  queryCacheMisses: [
    'blockgate_query_cache_misses_total{kind}',
    'Entries of blocks that queries did not find in the cache',
  ],
  queryCacheFailures: ['blockgate_query_cache_failures_total', 'Calls of the cache that failed, or took too long'],
  queryHedges: [
    'blockgate_query_hedged_reads_total',
    'Reads of the bucket that were late, and were begun once more (serve.hedge)',
  ],
  queryHedgesWon: ['blockgate_query_hedged_reads_won_total', 'Reads begun once more that were faster than the first'],
  queryWarnings: [
    'blockgate_query_warnings_total{reason}',
    'Answers that may be short: missing-blocks, bad-block or downsampled',
  ],
} as const

const OLD_NAMES: Readonly<Record<string, string>> = {
  journalCrashes: 'blockgate_journal_deaths',
  pendingHandOffOldest: 'blockgate_blocks_lingering_oldest_seconds',
  lastCopy: 'blockgate_blocks_pinned',
  lastCopyOldest: 'blockgate_blocks_pinned_oldest_seconds',
}
const RUN_SECONDS = [0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 600, 1200, 3600]
/** Of the histograms. */
const BUCKETS: Readonly<Record<string, readonly number[]>> = {
  stageDuration: [0.0001, 0.001, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300],
  requestDuration: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  runDuration: RUN_SECONDS,
  converged: RUN_SECONDS,
  staleness: [5, 10, 30, 60, 120, 180, 300, 600, 900, 1800, 3600, 7200],
  queryDuration: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120],
}

type Split<L extends string> = L extends `${infer First},${infer Rest}` ? First | Split<Rest> : L
type LabelsOf<Series extends string> = Series extends `${string}{${infer L}}` ? Split<L> : never

export const METRICS: { readonly [K in keyof typeof TABLE]: MetricInfo<LabelsOf<(typeof TABLE)[K][0]>> } =
  Object.fromEntries(Object.entries(TABLE).map(([key, [series, help]]) => [key, infoOf(key, series, help)])) as never

function infoOf(key: string, series: string, help: string): MetricInfo {
  const [name = '', labels] = series.split(/[{}]/)
  const buckets = BUCKETS[key]
  const kind = buckets ? 'histogram' : name.endsWith('_total') ? 'counter' : 'gauge'
  const unit = /_seconds(_total)?$/.test(name) ? 's' : /_bytes(_total)?$/.test(name) ? 'By' : undefined
  return { name, oldName: OLD_NAMES[key], kind, unit, help, labels: labels?.split(',') ?? [], buckets }
}
