/** Every metric, in one table: what createMetrics makes, what docs/metrics.md lists. Names as Prometheus shows them. */

export interface MetricInfo {
  /** Of a counter with its `_total`. */
  readonly name: string
  readonly kind: 'counter' | 'gauge' | 'histogram'
  /** As in UCUM; the name says it once more, in Prometheus' words. */
  readonly unit?: 's' | 'By'
  /** One sentence, without a final period. */
  readonly help: string
  readonly labels: readonly string[]
  /** Upper bounds of a histogram's buckets. */
  readonly buckets?: readonly number[]
}

export const METRICS = {
  blocks: {
    name: 'blockgate_blocks',
    kind: 'gauge',
    help: 'Blocks of the view by state and reason, in the words of /api/v1/blocks',
    labels: ['state', 'reason'],
  },
  assigned: {
    name: 'blockgate_blocks_assigned',
    kind: 'gauge',
    help: 'Blocks that came past owned() in the last run that was done: what the ownership plugin gives to this gateway',
    labels: [],
  },
  loaded: {
    name: 'blockgate_blocks_loaded',
    kind: 'gauge',
    help: 'Blocks that the sink holds',
    labels: [],
  },
  serving: {
    name: 'blockgate_blocks_serving',
    kind: 'gauge',
    help: 'Blocks in one of the states serving, lingering and pinned',
    labels: [],
  },
  inFlight: {
    name: 'blockgate_blocks_in_flight',
    kind: 'gauge',
    help: 'Blocks on their way through the stages now',
    labels: [],
  },
  loadedBytes: {
    name: 'blockgate_loaded_bytes',
    kind: 'gauge',
    unit: 'By',
    help: 'Bytes of the blocks that the sink holds, as the sink counts them',
    labels: [],
  },
  added: {
    name: 'blockgate_blocks_added_total',
    kind: 'counter',
    help: 'Blocks that the sink took, counted when they become visible',
    labels: [],
  },
  addedBytes: {
    name: 'blockgate_added_bytes_total',
    kind: 'counter',
    unit: 'By',
    help: 'Bytes of the blocks that the sink took, as the sink counts them',
    labels: [],
  },
  skipped: {
    name: 'blockgate_blocks_skipped_total',
    kind: 'counter',
    help: 'Blocks that a stage skipped, once a block and run',
    labels: ['stage', 'reason'],
  },
  failed: {
    name: 'blockgate_blocks_failed_total',
    kind: 'counter',
    help: 'Blocks that had failed when a run ended, by the stage that raised the error, once a block and run',
    labels: ['stage', 'code'],
  },
  dropped: {
    name: 'blockgate_blocks_dropped_total',
    kind: 'counter',
    help: 'Loaded blocks that a run dropped',
    labels: ['reason'],
  },
  unconfirmed: {
    name: 'blockgate_drops_unconfirmed',
    kind: 'gauge',
    help: 'Loaded blocks that would be dropped, and are kept until a person confirms it or they are wanted again',
    labels: [],
  },
  retained: {
    name: 'blockgate_blocks_retained_total',
    kind: 'counter',
    help: 'Loaded blocks that a run kept although something spoke against it, once a block and run',
    labels: ['reason'],
  },
  retried: {
    name: 'blockgate_blocks_retried_total',
    kind: 'counter',
    help: 'Tries that failed and were followed by another one in the same run',
    labels: ['stage', 'code'],
  },
  stageDuration: {
    name: 'blockgate_stage_duration_seconds',
    kind: 'histogram',
    unit: 's',
    help: 'Time of a stage without the stages below it: one observation a block, of a source or a set stage one a call',
    labels: ['stage'],
    buckets: [0.0001, 0.001, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300],
  },
  requests: {
    name: 'blockgate_bucket_requests_total',
    kind: 'counter',
    help: 'Requests to the bucket, every try counted: ok, not-found, conflict, aborted, http-<status> or an error code',
    labels: ['op', 'code'],
  },
  requestDuration: {
    name: 'blockgate_bucket_request_duration_seconds',
    kind: 'histogram',
    unit: 's',
    help: 'Time of one request to the bucket; a get ends when its body was read or let go',
    labels: ['op'],
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  },
  readBytes: {
    name: 'blockgate_bucket_read_bytes_total',
    kind: 'counter',
    unit: 'By',
    help: 'Bytes of bodies that were read from the bucket',
    labels: [],
  },
  writtenBytes: {
    name: 'blockgate_bucket_written_bytes_total',
    kind: 'counter',
    unit: 'By',
    help: 'Bytes of bodies that were sent to the bucket, every try counted',
    labels: [],
  },
  runs: {
    name: 'blockgate_runs_total',
    kind: 'counter',
    help: 'Runs that ended: done, failed or stopped',
    labels: ['reason', 'status'],
  },
  runDuration: {
    name: 'blockgate_run_duration_seconds',
    kind: 'histogram',
    unit: 's',
    help: 'Time of one run',
    labels: ['reason'],
    buckets: [0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 600, 1200, 3600],
  },
  viewAge: {
    name: 'blockgate_last_complete_view_age_seconds',
    kind: 'gauge',
    unit: 's',
    help: 'Time since the end of the last run that saw the whole bucket; absent before the first',
    labels: [],
  },
  journalDeaths: {
    name: 'blockgate_journal_deaths',
    kind: 'gauge',
    help: 'Deaths of the process while it loaded a block, summed over the blocks that were not loaded since',
    labels: [],
  },
  diskUsed: {
    name: 'blockgate_disk_used_bytes',
    kind: 'gauge',
    unit: 'By',
    help: 'Bytes of all files below dir, measured after a run that changed something; absent without a disk, and where that failed',
    labels: [],
  },
  diskFree: {
    name: 'blockgate_disk_free_bytes',
    kind: 'gauge',
    unit: 'By',
    help: 'Free bytes of the disk that holds dir, measured after each run; absent without a disk, and where that failed',
    labels: [],
  },
  reoffered: {
    name: 'blockgate_blocks_reoffered_total',
    kind: 'counter',
    help: 'Blocks that were offered to the add once more in the same run, because their owners changed',
    labels: [],
  },
  addsAborted: {
    name: 'blockgate_adds_aborted_total',
    kind: 'counter',
    help: 'Loads that ended before their block was shown, because somebody else owns and serves it',
    labels: [],
  },
  wastedBytes: {
    name: 'blockgate_wasted_bytes_total',
    kind: 'counter',
    unit: 'By',
    help: 'Bytes of blocks that were loaded to the end and thrown away, because somebody else owns and serves them',
    labels: [],
  },
  pendingHandOffOldest: {
    name: 'blockgate_blocks_lingering_oldest_seconds',
    kind: 'gauge',
    unit: 's',
    help: 'How long the block that lingers longest has been lingering; 0 where none does',
    labels: [],
  },
  lastCopy: {
    name: 'blockgate_blocks_pinned',
    kind: 'gauge',
    help: 'Blocks that are lingering, and that nobody else serves',
    labels: [],
  },
  lastCopyOldest: {
    name: 'blockgate_blocks_pinned_oldest_seconds',
    kind: 'gauge',
    unit: 's',
    help: 'How long the block that is pinned longest has been pinned; 0 where none is',
    labels: [],
  },
  underReplicated: {
    name: 'blockgate_blocks_under_replicated',
    kind: 'gauge',
    help: 'Blocks with fewer live members that serve them than owners, counted by the first live owner alone; absent where owners are not known',
    labels: [],
  },
  epoch: {
    name: 'blockgate_ownership_epoch',
    kind: 'gauge',
    help: 'Version of the ownership view that this gateway has seen; absent without members',
    labels: [],
  },
  converged: {
    name: 'blockgate_ownership_converged_seconds',
    kind: 'histogram',
    unit: 's',
    help: 'From a change of the epoch until every block that it gave to this gateway is served, and every one that it took away is dropped',
    labels: [],
    buckets: [0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 600, 1200, 3600],
  },
  members: {
    name: 'blockgate_members',
    kind: 'gauge',
    help: 'Members by state (active, leaving, down), as this gateway sees them; absent without members, and while their store cannot be read',
    labels: ['state'],
  },
  expiriesRefused: {
    name: 'blockgate_member_expiries_refused_total',
    kind: 'counter',
    help: 'Silent members that were not set down, because too many were silent at once',
    labels: [],
  },
  heartbeatDelay: {
    name: 'blockgate_member_heartbeat_delay_seconds',
    kind: 'gauge',
    help: 'How late a heartbeat began after it was due: the most of the last 60',
    unit: 's',
    labels: [],
  },
  storeErrors: {
    name: 'blockgate_member_store_errors_total',
    kind: 'counter',
    help: 'Calls to the member store that failed, or whose answer was lost',
    labels: [],
  },
  storeBroken: {
    name: 'blockgate_member_store_broken_entries_total',
    kind: 'counter',
    help: 'Entries of the member store that were not what they must be, and were left out',
    labels: [],
  },
  standing: {
    name: 'blockgate_member_standing',
    kind: 'gauge',
    help: '1 for what this gateway is to the member store, 0 for the others: joining, alone (which blocks belong here is not known), member, leaving or superseded',
    labels: ['standing'],
  },
  faults: {
    name: 'blockgate_faults_total',
    kind: 'counter',
    help: 'Calls of a plugin or of a listener that threw and must not throw; after three runs in a row with one /-/healthy answers 503',
    labels: ['call'],
  },
  component: {
    name: 'blockgate_component_running',
    kind: 'gauge',
    help: '1 for a part of the pipeline that is running, 0 for one that is not',
    labels: ['component'],
  },
} as const
