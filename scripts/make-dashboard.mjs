// deploy/grafana/blockgate.json: the Grafana dashboard, from the table below.
//   node scripts/make-dashboard.mjs [--check]

import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const FILE = join(resolve(import.meta.dirname, '..'), 'deploy/grafana/blockgate.json')
const OF = '{instance=~"$instance"}'
const RATE = '$__rate_interval'
const p99 = (name, by = '') =>
  `histogram_quantile(0.99, sum by (${by}${by && ', '}le) (rate(${name}_bucket${OF}[${RATE}])))`

/** Rows of panels: title, unit, and for each line its expression and legend. */
const ROWS = {
  Blocks: [
    ['Ready', 'bool_yes_no', [`blockgate_ready${OF}`, '{{instance}}']],
    ['Blocks by state', 'short', [`sum by (state) (blockgate_blocks${OF})`, '{{state}}']],
    [
      'Owned, and served',
      'short',
      [`sum(blockgate_blocks_assigned${OF})`, 'assigned'],
      [`sum(blockgate_blocks_serving${OF})`, 'serving'],
      [`sum(blockgate_blocks_loaded${OF})`, 'loaded'],
    ],
    ['Blocks served by gateway', 'short', [`blockgate_blocks_serving${OF}`, '{{instance}}']],
    ['Bytes served by gateway', 'bytes', [`blockgate_loaded_bytes${OF}`, '{{instance}}']],
    [
      'Skipped in an hour, by stage and reason',
      'short',
      [`sum by (stage, reason) (increase(blockgate_blocks_skipped_total${OF}[1h]))`, '{{stage}} {{reason}}'],
    ],
    ['Added', 'short', [`sum by (instance) (rate(blockgate_blocks_added_total${OF}[${RATE}]))`, '{{instance}}']],
    ['Dropped', 'short', [`sum by (reason) (rate(blockgate_blocks_dropped_total${OF}[${RATE}]))`, '{{reason}}']],
    [
      'Failed',
      'short',
      [`sum by (stage, code) (increase(blockgate_blocks_failed_total${OF}[1h]))`, '{{stage}} {{code}}'],
    ],
    ['A person is asked', 'short', [`blockgate_drops_unconfirmed${OF}`, '{{instance}}']],
  ],
  Sync: [
    ['Runs', 'short', [`sum by (reason, status) (rate(blockgate_runs_total${OF}[${RATE}]))`, '{{reason}} {{status}}']],
    ['Time of a run, p99', 's', [p99('blockgate_run_duration_seconds', 'reason'), '{{reason}}']],
    ['Age of the last complete view', 's', [`blockgate_last_complete_view_age_seconds${OF}`, '{{instance}}']],
    ['Interval, and why', 's', [`blockgate_sync_interval_seconds${OF}`, '{{instance}} {{why}}']],
    ['From upload to served, p99', 's', [p99('blockgate_block_staleness_seconds'), 'p99']],
    [
      'Time in a stage',
      's',
      [`topk(8, sum by (stage) (rate(blockgate_stage_duration_seconds_sum${OF}[${RATE}])))`, '{{stage}}'],
    ],
  ],
  Bucket: [
    [
      'Requests',
      'reqps',
      [`sum by (op, code) (rate(blockgate_bucket_requests_total${OF}[${RATE}]))`, '{{op}} {{code}}'],
    ],
    ['Time of a request, p99', 's', [p99('blockgate_bucket_request_duration_seconds', 'op'), '{{op}}']],
    ['Read', 'Bps', [`sum by (instance) (rate(blockgate_bucket_read_bytes_total${OF}[${RATE}]))`, '{{instance}}']],
    ['Requests at once', 'short', [`blockgate_bucket_concurrency_limit${OF}`, '{{instance}}']],
  ],
  Ownership: [
    ['Members by state', 'short', [`max by (state) (blockgate_members${OF})`, '{{state}}']],
    ['Epoch', 'short', [`blockgate_ownership_epoch${OF}`, '{{instance}}']],
    ['Under-replicated blocks', 'short', [`sum(blockgate_blocks_under_replicated${OF})`, 'blocks']],
    ['Oldest pending hand-off', 's', [`blockgate_blocks_pending_hand_off_oldest_seconds${OF}`, '{{instance}}']],
    ['Last copies', 'short', [`blockgate_blocks_last_copy${OF}`, '{{instance}}']],
    ['From a change to all blocks moved, p99', 's', [p99('blockgate_ownership_converged_seconds'), 'p99']],
    ['Heartbeats begin late by', 's', [`blockgate_member_heartbeat_delay_seconds${OF}`, '{{instance}}']],
    [
      'Loads given up: another has the block',
      'Bps',
      [`sum(rate(blockgate_wasted_bytes_total${OF}[${RATE}]))`, 'bytes'],
    ],
  ],
  Queries: [
    [
      'Queries',
      'reqps',
      [`sum by (api, outcome) (rate(blockgate_query_duration_seconds_count${OF}[${RATE}]))`, '{{api}} {{outcome}}'],
    ],
    ['Time of a query, p99', 's', [p99('blockgate_query_duration_seconds', 'api'), '{{api}}']],
    [
      'At once',
      'short',
      [`sum(blockgate_queries_in_flight${OF})`, 'in flight'],
      [`sum(blockgate_queries_queued${OF})`, 'queued'],
    ],
    ['Memory of queries', 'bytes', [`blockgate_query_memory_bytes${OF}`, '{{instance}}']],
    [
      'Refused, by limit',
      'reqps',
      [`sum by (reason) (rate(blockgate_queries_dropped_total${OF}[${RATE}]))`, '{{reason}}'],
    ],
    ['May be short', 'reqps', [`sum by (reason) (rate(blockgate_query_warnings_total${OF}[${RATE}]))`, '{{reason}}']],
  ],
  Process: [
    [
      'Dependencies that answer',
      'bool_yes_no',
      [`min by (dependency, server) (blockgate_dependency_up${OF})`, '{{dependency}} {{server}}'],
    ],
    ['CPU', 'percentunit', [`rate(process_cpu_seconds_total${OF}[${RATE}])`, '{{instance}}']],
    ['Resident memory', 'bytes', [`process_resident_memory_bytes${OF}`, '{{instance}}']],
    ['Delay of the event loop, p99', 's', [`nodejs_eventloop_lag_p99_seconds${OF}`, '{{instance}}']],
    ['Heap', 'bytes', [`nodejs_heap_size_used_bytes${OF}`, '{{instance}}']],
    ['Free on the disk', 'bytes', [`blockgate_disk_free_bytes${OF}`, '{{instance}}']],
    ['Crashes while a block was loaded', 'short', [`blockgate_journal_crashes${OF}`, '{{instance}}']],
    ['Spans lost', 'short', [`sum by (reason) (rate(blockgate_trace_spans_lost_total${OF}[${RATE}]))`, '{{reason}}']],
  ],
}

const text = `${JSON.stringify(dashboard(), null, 1)}\n`
if (!process.argv.includes('--check')) writeFileSync(FILE, text)
else if (readFileSync(FILE, 'utf8') !== text) {
  console.error('deploy/grafana/blockgate.json must be made anew: node scripts/make-dashboard.mjs')
  process.exitCode = 1
}

function dashboard() {
  const datasource = { type: 'prometheus', uid: '$datasource' }
  const panels = []
  let y = 0
  for (const [title, row] of Object.entries(ROWS)) {
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title,
      collapsed: false,
      gridPos: { x: 0, y, w: 24, h: 1 },
      panels: [],
    })
    y++
    for (const [at, [name, unit, ...lines]] of row.entries()) {
      panels.push({
        id: panels.length + 1,
        type: 'timeseries',
        title: name,
        datasource,
        gridPos: { x: (at % 3) * 8, y: y + 7 * Math.floor(at / 3), w: 8, h: 7 },
        fieldConfig: { defaults: { unit, min: 0, custom: { fillOpacity: 10, showPoints: 'never' } }, overrides: [] },
        options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
        targets: lines.map(([expr, legendFormat], i) => ({
          refId: String.fromCharCode(65 + i),
          datasource,
          expr,
          legendFormat,
          // A point of a histogram then links to the trace that it was measured in.
          exemplar: expr.includes('_bucket'),
        })),
      })
    }
    y += 7 * Math.ceil(row.length / 3)
  }
  return {
    title: 'blockgate',
    uid: 'blockgate',
    tags: ['blockgate'],
    schemaVersion: 39,
    editable: true,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    templating: {
      list: [
        { name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Data source' },
        {
          name: 'instance',
          type: 'query',
          label: 'Gateway',
          datasource,
          query: { query: 'label_values(blockgate_build_info, instance)', refId: 'instance' },
          definition: 'label_values(blockgate_build_info, instance)',
          multi: true,
          includeAll: true,
          allValue: '.*',
          refresh: 2,
        },
      ],
    },
    panels,
  }
}
