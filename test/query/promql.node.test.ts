// A Prometheus that reads from the gateway works out the same of each expression as one that has the blocks on its disk.
import { join } from 'node:path'
import { directory } from 'blockgate/plugins/sink/directory'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PrometheusServer, startPrometheus } from '../support/prometheus.ts'
import { addWritten, WRITTEN } from './blocks/written.ts'
import { queryWorld, type World } from './world.ts'

let world: World
/** It has nothing, and asks the gateway. */
let client: PrometheusServer
beforeAll(async () => {
  world = await queryWorld(directory(), addWritten)
  client = await startPrometheus(
    join(world.root, 'client'),
    `remote_read: [{url: "${world.url}/api/v1/read", read_recent: true}]\n`,
  )
})
afterAll(async () => {
  await client?.stop()
  await world?.stop()
})

const [START, END] = [WRITTEN.from / 1000, Math.floor(WRITTEN.to / 1000)]
const MIDDLE = START + 6 * 3600

/** By what they are about; `T` stands for a time in the middle. */
const QUERIES: Readonly<Record<string, readonly string[]>> = {
  'selectors and stale gaps': [
    'up',
    'up{job="api"}',
    'up{job!="api",instance=~".*:9100"}',
    'requests_total{code=~"4..|5.."}',
    'requests_total{code!~"2.*"}',
    '{__name__=~"up|once|sparse"}',
    '{__name__="job:up:sum"}',
    'odd',
    'odd{v="😀"}',
    'odd{v=~"(?s)x.y"}',
    'odd{v=~"[^a-z]+"}',
    'constant{empty=" "}',
    'build_info',
    'sparse',
    'once',
    'temperature',
  ],
  'rates and resets': [
    'rate(requests_total[5m])',
    'irate(requests_total[10m])',
    'increase(requests_total[1h])',
    'resets(requests_total[3h])',
    'changes(up[2h])',
    'delta(temperature[30m])',
    'idelta(temperature[5m])',
    'deriv(seconds_sum[20m])',
    'predict_linear(seconds_sum[20m], 3600)',
    'rate(requests_total[7m13s])',
    'count_over_time(up[59s])',
    'holt_winters(seconds_count[30m], 0.5, 0.5)',
  ],
  'over time': [
    'avg_over_time(up[1h])',
    'sum_over_time(up[1h])',
    'min_over_time(temperature[15m])',
    'max_over_time(temperature[15m])',
    'count_over_time(up[30m])',
    'last_over_time(sparse[20m])',
    'present_over_time(up[10m])',
    'stddev_over_time(seconds_count[10m])',
    'stdvar_over_time(seconds_count[10m])',
    'quantile_over_time(0.9, temperature[1h])',
    'absent_over_time(up{instance="10.0.0.0:9100"}[5m])',
    'timestamp(sparse)',
    'last_over_time(once[3h])',
  ],
  histograms: [
    'histogram_quantile(0.9, rate(seconds_bucket[10m]))',
    'histogram_quantile(0.5, sum by (le) (rate(seconds_bucket[10m])))',
    'histogram_quantile(0.99, sum by (job, le) (increase(seconds_bucket[1h])))',
    'rate(seconds_sum[5m]) / rate(seconds_count[5m])',
    'sum(rate(seconds_bucket{le="0.5"}[5m])) by (job) / sum(rate(seconds_count[5m])) by (job)',
  ],
  aggregations: [
    'sum(up)',
    'sum by (job) (up)',
    'sum without (instance, code) (requests_total)',
    'avg by (code) (rate(requests_total[5m]))',
    'min(temperature)',
    'max by (sensor) (temperature)',
    'count by (version) (build_info)',
    'count({job=~".+"})',
    'stddev(temperature)',
    'stdvar by (job) (requests_total)',
    'group by (job) (up)',
    'quantile(0.75, requests_total)',
    'quantile by (job) (0.25, requests_total)',
    'count_values("value", up)',
    'topk(3, requests_total)',
    'topk by (job) (1, rate(requests_total[5m]))',
    'bottomk(2, seconds_count)',
    'sum(odd) by (v)',
  ],
  'offsets and @': [
    'up offset 30m',
    'up offset -30m',
    'rate(requests_total[5m] offset 1h)',
    'requests_total - requests_total offset 10m',
    'up @ T',
    'up @ start()',
    'up @ end()',
    'rate(requests_total[5m] @ T)',
    'requests_total / requests_total @ T',
    'sum(requests_total @ T offset 1h)',
    'topk(2, rate(requests_total[1h] @ end()))',
  ],
  subqueries: [
    'max_over_time(rate(requests_total[5m])[1h:5m])',
    'avg_over_time(sum by (job) (up)[30m:1m])',
    'min_over_time(up[1h:])',
    'rate(sum(requests_total)[1h:10m])',
    'max_over_time(deriv(rate(seconds_count[5m])[30m:1m])[1h:10m])',
    'sum_over_time(up[1h:5m] offset 20m)',
    'last_over_time(sparse[40m:7s])',
    'sum_over_time(up[30m:3m] @ T)',
  ],
  absence: [
    'absent(nope)',
    'absent(nope{job="x",code!="5"})',
    'absent(up{instance="10.0.1.0:9100"})',
    'absent(sum(nope))',
    'up unless build_info',
    'nope or up',
    'sum(nope) or vector(0)',
  ],
  'joins and sets': [
    'up * on (job, instance) group_left (version) build_info',
    'rate(requests_total[5m]) * on (job, instance) group_left () up',
    'requests_total / ignoring (code) group_left () sum without (code) (requests_total)',
    'up and on (job, instance) (temperature > 22)',
    'temperature > 20 < 25',
    'temperature >= bool 20',
    'requests_total{code="500"} > on (job, instance) requests_total{code="404"}',
    'up == 0',
    'up unless on (instance) (temperature > 22)',
    'requests_total{code="200"} or requests_total{code="404"}',
    'up + on (job, instance) up',
    'sum(up) / count(up) * 100',
  ],
  functions: [
    'label_replace(up, "host", "$1", "instance", "(.*):.*")',
    'label_replace(odd, "w", "$0", "v", ".*a.*")',
    'label_join(up, "both", "/", "job", "instance")',
    'abs(temperature)',
    'ceil(temperature)',
    'floor(temperature)',
    'round(temperature, 0.5)',
    'clamp(temperature, 18, 22)',
    'clamp_max(temperature, 20)',
    'sgn(temperature)',
    'sqrt(requests_total)',
    'exp(up)',
    'ln(temperature)',
    'log2(requests_total)',
    'scalar(constant) + up',
    'vector(scalar(sum(up)))',
    'day_of_week(timestamp(up))',
    'hour(timestamp(up))',
    '-temperature ^ 2 % 7',
    'up atan2 on (job, instance) temperature',
    'sort(requests_total)',
    'sort_desc(sum by (code) (requests_total))',
  ],
}
const ALL = Object.entries(QUERIES).flatMap(([about, queries]) => queries.map(query => [about, query] as const))

describe('a Prometheus that reads from the gateway', () => {
  it('is asked enough', () => expect(new Set(ALL.map(([, query]) => query)).size).toBeGreaterThanOrEqual(80))

  it.each(ALL)('%s: %s', async (_, query) => {
    const expression = encodeURIComponent(query.replace('T', String(MIDDLE)))
    const paths = [
      `query_range?query=${expression}&start=${START}&end=${END}&step=300`,
      `query_range?query=${expression}&start=${MIDDLE - 1800.5}&end=${MIDDLE + 3600}&step=37.5`,
      `query?query=${expression}&time=${MIDDLE + 7.5}`,
      `query?query=${expression}&time=${START + 400 * 60}`,
    ]
    let points = 0
    for (const path of paths) {
      const [ours, theirs] = await Promise.all(
        [client, world.oracle].map(async ({ url }) => (await fetch(`${url}/api/v1/${path}`)).json()),
      )
      expect(theirs.status, theirs.error).toBe('success')
      expect(ours.warnings).toBeUndefined()
      expect(inOrder(query, ours.data.result)).toEqual(inOrder(query, theirs.data.result))
      points += theirs.data.result.length
    }
    expect(points, 'there is something to compare').toBeGreaterThan(0)
  })
})

/** A result has no order, but for that of `sort`, and for the time and number of a scalar. */
function inOrder(query: string, result: readonly { readonly metric: object }[]): readonly unknown[] {
  if (query.startsWith('sort') || !result.every(each => each.metric)) return result
  return result.toSorted((a, b) => (JSON.stringify(a.metric) < JSON.stringify(b.metric) ? -1 : 1))
}
