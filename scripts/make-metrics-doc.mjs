// Writes docs/metrics.md from the table of the metrics; with --check it only says whether the file is up to date.
//   node --conditions=blockgate-source scripts/make-metrics-doc.mjs [--check]

import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { METRICS } from '../src/contracts/telemetry.ts'

const PATH = join(resolve(import.meta.dirname, '..'), 'docs/metrics.md')

const rows = Object.values(METRICS).map(({ name, oldName, kind, labels, help }) => {
  const keys = labels.map(label => `\`${label}\``).join(', ')
  const old = oldName ? `; until 0.1 \`${oldName}\`, which stays for one release` : ''
  return `| \`${name}\` | ${kind} | ${keys} | ${help.replaceAll('|', '\\|').replaceAll('<', '&lt;')}${old} |`
})

const text = `# Metrics

<!-- Written by scripts/make-metrics-doc.mjs from src/contracts/metric-table.ts: change it there. -->

\`GET /metrics\` gives these in Prometheus' text format, or as OpenMetrics 1.0 where \`Accept\` asks for it, as Prometheus does. There the buckets of
histograms have exemplars: the last value of a recorded trace, with its \`trace_id\` and \`span_id\` ([traces.md](traces.md)). Times are in seconds and sizes in bytes, as the names say. Counters
start at 0 with the process; a metric that has labels appears with its first value. A label has at most 200 different
values: later ones are counted as \`other\`. \`stage\` is a stage's name as in the summary of a run, \`reason\` and \`code\` are the
words of \`/api/v1/blocks\`. A gauge whose value is not known now is absent, never what it was: alert with \`absent()\`
where that matters.

| name | kind | labels | meaning |
| --- | --- | --- | --- |
${rows.join('\n')}

## Questions

[\`deploy/prometheus\`](../deploy/prometheus) has alerts with [runbooks](runbooks.md) and recording rules, [\`deploy/grafana\`](../deploy/grafana) a dashboard.

- Which share of the blocks does a stage skip, and why?
  \`sum by (stage, reason) (increase(blockgate_blocks_skipped_total[1h])) / scalar(sum(increase(blockgate_runs_total{status="done"}[1h])))\`
  is their number in one run.
- Is the gateway behind? \`blockgate_blocks_assigned - blockgate_blocks_serving\` is what it owns and does not serve; less than 0
  where hand-offs are pending.
- Does it still see the bucket? \`blockgate_last_complete_view_age_seconds > 900\`
- Is a person asked? \`blockgate_drops_unconfirmed > 0\`: an emptied or another bucket, a filter that matches nothing. The blocks
  stay until \`POST /api/v1/sync\` with \`{"confirmDrops":true}\`, or until they are wanted again. As an alert:

  \`\`\`yaml
  - alert: BlockgateDropsUnconfirmed
    expr: blockgate_drops_unconfirmed > 0
    for: 5m
    annotations:
      summary: "{{ $labels.instance }} keeps {{ $value }} blocks that its view does not want: look at the bucket, its prefix and the filters"
  \`\`\`

- What does the bucket cost? \`sum by (op, code) (rate(blockgate_bucket_requests_total[5m]))\`
- Which stage takes the time?
  \`topk(3, sum by (stage) (rate(blockgate_stage_duration_seconds_sum[5m])))\`
- Are queries refused, and by which limit? \`sum by (reason) (rate(blockgate_queries_dropped_total[5m]))\`: the reason is the key below
  \`serve.limits\`.
- Are answers short? \`sum by (reason) (increase(blockgate_query_warnings_total[1h]))\`, and queries refused for want of blocks:
  \`increase(blockgate_query_duration_seconds_count{outcome="incomplete"}[1h])\`.
- How much of what queries read comes from the cache? \`rate(blockgate_query_read_bytes_total[5m])\` beside
  \`rate(blockgate_bucket_read_bytes_total[5m])\`.
- Has the bucket a slow tail, and does a second read help? \`rate(blockgate_query_hedged_reads_won_total[5m])\` beside
  \`rate(blockgate_query_hedged_reads_total[5m])\`.
- Is a block killing the process? \`blockgate_journal_crashes > 0\`
`

if (process.argv.includes('--check')) {
  if (readFileSync(PATH, 'utf8') !== text) {
    console.error('docs/metrics.md is out of date: run node --conditions=blockgate-source scripts/make-metrics-doc.mjs')
    process.exitCode = 1
  }
} else writeFileSync(PATH, text)
