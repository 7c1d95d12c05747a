/** Every metric, in one table: what createMetrics makes, what docs/metrics.md lists. Names as Prometheus shows them. */

export interface MetricInfo<Label extends string = string> {
  /** Of a counter with its `_total`. */
  readonly name: string
  readonly kind: 'counter' | 'gauge' | 'histogram'
  /** As in UCUM; the name says it once more, in Prometheus' words. */
  readonly unit: 's' | 'By' | undefined
  /** One sentence, without a final period. */
  readonly help: string
  readonly labels: readonly Label[]
  /** Upper bounds of a histogram's buckets. */
  readonly buckets?: readonly number[]
}

const RUN_SECONDS = [0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 600, 1200, 3600]

/** Each with its labels in braces. */
export const METRICS = {
  blocks: gauge(
    'blockgate_blocks{state,reason}',
    'Blocks of the view by state and reason, in the words of /api/v1/blocks',
  ),
  assigned: gauge('blockgate_blocks_assigned', 'Blocks that belong to this gateway, by the last run that was done'),
  loaded: gauge('blockgate_blocks_loaded', 'Blocks that the sink holds'),
  serving: gauge('blockgate_blocks_serving', 'Blocks in the states serving, pending-hand-off or last-copy'),
  inFlight: gauge('blockgate_blocks_in_flight', 'Blocks on their way through the stages now'),
  loadedBytes: gauge('blockgate_loaded_bytes', 'Bytes of the blocks that the sink holds'),
  added: counter('blockgate_blocks_added_total', 'Blocks that the sink took and shows'),
  addedBytes: counter('blockgate_added_bytes_total', 'Bytes of the blocks that the sink took'),
  skipped: counter('blockgate_blocks_skipped_total{stage,reason}', 'Blocks that a stage skipped, once a run'),
  failed: counter(
    'blockgate_blocks_failed_total{stage,code}',
    'Blocks that had failed when a run ended, by the failing stage',
  ),
  dropped: counter('blockgate_blocks_dropped_total{reason}', 'Loaded blocks that a run dropped'),
  unconfirmed: gauge('blockgate_drops_unconfirmed', 'Loaded blocks that are kept until a person confirms the drop'),
  retained: counter(
    'blockgate_blocks_retained_total{reason}',
    'Loaded blocks that a run kept though something spoke against it',
  ),
  retried: counter(
    'blockgate_blocks_retried_total{stage,code}',
    'Failed tries that were followed by another in the same run',
  ),
  stageDuration: histogram(
    'blockgate_stage_duration_seconds{stage}',
    'Time of a stage, without the stages below it: for each block, or for each call of a source or set stage',
    [0.0001, 0.001, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300],
  ),
  requests: counter(
    'blockgate_bucket_requests_total{op,code}',
    'Requests to the bucket, every try: ok, not-found, conflict, aborted, http-<status> or an error code',
  ),
  requestDuration: histogram(
    'blockgate_bucket_request_duration_seconds{op}',
    'Time of one request to the bucket; a get ends when its body was read or let go',
    [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  ),
  readBytes: counter('blockgate_bucket_read_bytes_total', 'Bytes that were read from the bucket'),
  writtenBytes: counter(
    'blockgate_bucket_written_bytes_total',
    'Bytes that were sent to the bucket, every try counted',
  ),
  runs: counter('blockgate_runs_total{reason,status}', 'Runs that ended: done, failed or stopped'),
  runDuration: histogram('blockgate_run_duration_seconds{reason}', 'Time of one run', RUN_SECONDS),
  viewAge: gauge(
    'blockgate_last_complete_view_age_seconds',
    'Time since the last run that saw the whole bucket; absent before it',
  ),
  journalDeaths: gauge(
    'blockgate_journal_deaths',
    'Crashes of the process while it loaded a block, over all blocks that were not loaded since',
  ),
  diskUsed: gauge(
    'blockgate_disk_used_bytes',
    'Bytes of all files below dir, measured after a run that changed something; absent without a disk',
  ),
  diskFree: gauge(
    'blockgate_disk_free_bytes',
    'Free bytes of the disk that holds dir, measured after each run; absent without a disk',
  ),
  reoffered: counter(
    'blockgate_blocks_reoffered_total',
    'Blocks that were offered once more in the same run, because their owners changed',
  ),
  addsAborted: counter(
    'blockgate_adds_aborted_total',
    'Loads that were given up, because another gateway owns and serves the block',
  ),
  wastedBytes: counter(
    'blockgate_wasted_bytes_total',
    'Bytes that were loaded and thrown away, because another gateway owns and serves the block',
  ),
  pendingHandOffOldest: gauge(
    'blockgate_blocks_lingering_oldest_seconds',
    'How long the oldest pending hand-off has waited; 0 where there is none',
  ),
  lastCopy: gauge('blockgate_blocks_pinned', 'Blocks with a pending hand-off that no other gateway serves'),
  lastCopyOldest: gauge(
    'blockgate_blocks_pinned_oldest_seconds',
    'How long the oldest last copy has been one; 0 where there is none',
  ),
  underReplicated: gauge(
    'blockgate_blocks_under_replicated',
    'Blocks with fewer live servers than owners, counted by their first live owner; absent where owners are not known',
  ),
  epoch: gauge(
    'blockgate_ownership_epoch',
    'Version of the ownership view that this gateway has seen; absent without members',
  ),
  converged: histogram(
    'blockgate_ownership_converged_seconds',
    'From a change of the epoch until all blocks that it gave to this gateway are served, and all that it took are dropped',
    RUN_SECONDS,
  ),
  members: gauge(
    'blockgate_members{state}',
    'Members by state (active, leaving, down); absent without members, and while their store cannot be read',
  ),
  expiriesRefused: counter(
    'blockgate_member_expiries_refused_total',
    'Silent members that were not marked unhealthy, because too many were silent at once',
  ),
  heartbeatDelay: gauge(
    'blockgate_member_heartbeat_delay_seconds',
    'How late a heartbeat began: the longest of the last 60',
  ),
  storeErrors: counter(
    'blockgate_member_store_errors_total',
    'Calls to the member store that failed, or whose answer was lost',
  ),
  storeBroken: counter('blockgate_member_store_broken_entries_total', 'Invalid entries of the member store, left out'),
  standing: gauge(
    'blockgate_member_standing{standing}',
    '1 for what this gateway is to the member store (joining, alone, member, leaving, superseded), 0 for the others',
  ),
  faults: counter(
    'blockgate_faults_total{call}',
    'Calls of a plugin or listener that threw and must not; after three runs in a row /-/healthy answers 503',
  ),
  component: gauge(
    'blockgate_component_running{component}',
    '1 for a part of the pipeline that is running, 0 for one that is not',
  ),
}

type Split<L extends string> = L extends `${infer First},${infer Rest}` ? First | Split<Rest> : L
type LabelsOf<Series extends string> = Series extends `${string}{${infer L}}` ? Split<L> : never

function gauge<const S extends string>(series: S, help: string): MetricInfo<LabelsOf<S>> {
  const [name = '', labels] = series.split(/[{}]/)
  const unit = /_seconds(_total)?$/.test(name) ? 's' : /_bytes(_total)?$/.test(name) ? 'By' : undefined
  return { name, kind: 'gauge', unit, help, labels: (labels?.split(',') ?? []) as LabelsOf<S>[] }
}

function counter<const S extends string>(series: S, help: string): MetricInfo<LabelsOf<S>> {
  return { ...gauge(series, help), kind: 'counter' }
}

function histogram<const S extends string>(
  series: S,
  help: string,
  buckets: readonly number[],
): MetricInfo<LabelsOf<S>> {
  return { ...gauge(series, help), kind: 'histogram', buckets }
}
