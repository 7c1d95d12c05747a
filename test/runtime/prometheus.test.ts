import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { prometheusText } from '../../src/runtime/metrics/prometheus.ts'

class Reader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

let reader: Reader
let provider: MeterProvider
beforeEach(() => {
  reader = new Reader()
  provider = new MeterProvider({ readers: [reader] })
})
afterEach(() => provider.shutdown())

const text = async () => prometheusText((await reader.collect()).resourceMetrics)

it('tells counters and gauges, each with its help and its type, and leaves out what has no value', async () => {
  const meter = provider.getMeter('test')
  const runs = meter.createCounter('runs_total', { description: 'runs, by how they ended', unit: '1' })
  meter.createCounter('never', { description: 'never counted' })
  meter.createObservableGauge('free_bytes', { description: 'free' }).addCallback(result => result.observe(Infinity))
  meter.createUpDownCounter('in_flight', { description: 'now' }).add(-2)
  meter.createCounter('blocks', { description: 'blocks' }).add(3)
  runs.add(2, { status: 'done' })
  runs.add(1, { status: 'failed', reason: 'interval' })
  expect(await text()).toBe(`# HELP runs_total runs, by how they ended
# TYPE runs_total counter
runs_total{status="done"} 2
runs_total{status="failed",reason="interval"} 1
# HELP free_bytes free
# TYPE free_bytes gauge
free_bytes +Inf
# HELP in_flight now
# TYPE in_flight gauge
in_flight -2
# HELP blocks_total blocks
# TYPE blocks_total counter
blocks_total 3
`)
})

it('tells a histogram in buckets that hold all below them', async () => {
  const advice = { explicitBucketBoundaries: [0.5, 1] }
  const seconds = provider.getMeter('test').createHistogram('seconds', { description: 'how long', advice })
  for (const value of [0.25, 0.5, 0.75, 4]) seconds.record(value, { stage: 'a' })
  expect(await text()).toBe(`# HELP seconds how long
# TYPE seconds histogram
seconds_bucket{stage="a",le="0.5"} 2
seconds_bucket{stage="a",le="1"} 3
seconds_bucket{stage="a",le="+Inf"} 4
seconds_sum{stage="a"} 5.5
seconds_count{stage="a"} 4
`)
})

it('lets no label and no help end its line or its quotes', async () => {
  const gauge = provider.getMeter('test').createGauge('a', { description: 'one\\two\nthree "four"' })
  gauge.record(1, { stage: 'x"} 5\nb \\' })
  expect(await text()).toBe(`# HELP a one\\\\two\\nthree "four"
# TYPE a gauge
a{stage="x\\"} 5\\nb \\\\"} 1
`)
})

it('makes a label name of every attribute key, the one of the SDK for too many series included', async () => {
  const counter = provider.getMeter('test').createCounter('blocks', { description: 'blocks' })
  for (let n = 0; n < 2_001; n++) counter.add(1, { 'block.id': `b${n}` })
  const lines = (await text()).split('\n').filter(line => !line.startsWith('#') && line !== '')
  expect(lines.filter(line => !/^blocks_total\{[a-zA-Z_][a-zA-Z0-9_]*="[^"]*"\} \d+$/.test(line))).toEqual([])
  expect(lines).toContain('blocks_total{otel_metric_overflow="true"} 2')
})
