import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Exemplars } from '../../src/metrics/exemplars.ts'
import { openMetricsText } from '../../src/runtime/metrics/openmetrics.ts'

class Reader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

const AT = 1_700_000_000_250
const span = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 }

let reader: Reader
let provider: MeterProvider
let exemplars: Exemplars
beforeEach(() => {
  reader = new Reader()
  provider = new MeterProvider({ readers: [reader] })
  exemplars = new Exemplars(() => AT)
})
afterEach(() => provider.shutdown())

const text = async () => openMetricsText((await reader.collect()).resourceMetrics, exemplars)

it('names a counter without _total and its samples with it, tells units, and ends', async () => {
  const meter = provider.getMeter('test')
  meter.createCounter('runs_total', { description: 'runs' }).add(2, { status: 'done' })
  meter.createCounter('read_bytes', { description: 'bytes' }).add(5)
  meter.createObservableGauge('age_seconds', { description: 'age' }).addCallback(result => result.observe(Infinity))
  meter.createCounter('never', { description: 'never counted' })
  expect(await text()).toBe(`# HELP runs runs
# TYPE runs counter
runs_total{status="done"} 2
# HELP read_bytes bytes
# TYPE read_bytes counter
# UNIT read_bytes bytes
read_bytes_total 5
# HELP age_seconds age
# TYPE age_seconds gauge
# UNIT age_seconds seconds
age_seconds +Inf
# EOF
`)
})

it('tells bounds as floats, and with each bucket the last value of a trace', async () => {
  const advice = { explicitBucketBoundaries: [0.5, 1] }
  const seconds = provider.getMeter('test').createHistogram('seconds', { description: 'how long', advice })
  for (const value of [0.25, 0.5, 0.75, 4]) seconds.record(value, { stage: 'a' })
  seconds.record(0.1, { stage: 'b' })
  const note = (value: number, spanId = span.spanId) =>
    exemplars.note('seconds', [0.5, 1], { stage: 'a' }, value, { ...span, spanId })
  note(0.25, '00f067aa0ba902b7')
  note(0.5)
  note(4)
  const lines = (await text()).split('\n').slice(2)
  const exemplar = `# {trace_id="${span.traceId}",span_id="${span.spanId}"}`
  expect(lines).toEqual([
    `seconds_bucket{stage="a",le="0.5"} 2 ${exemplar} 0.5 1700000000.250`,
    'seconds_bucket{stage="a",le="1.0"} 3',
    `seconds_bucket{stage="a",le="+Inf"} 4 ${exemplar} 4 1700000000.250`,
    'seconds_sum{stage="a"} 5.5',
    'seconds_count{stage="a"} 4',
    'seconds_bucket{stage="b",le="0.5"} 1',
    'seconds_bucket{stage="b",le="1.0"} 1',
    'seconds_bucket{stage="b",le="+Inf"} 1',
    'seconds_sum{stage="b"} 0.1',
    'seconds_count{stage="b"} 1',
    '# EOF',
    '',
  ])
})

it.each([
  ['no trace', undefined],
  ['a trace that is not recorded', { ...span, traceFlags: 0 }],
  ['no ids', { ...span, traceId: '0'.repeat(32) }],
])('keeps no exemplar of a value with %s', (_, of) => {
  exemplars.note('seconds', [1], {}, 0.5, of)
  expect(exemplars.of('seconds', {})).toBe(undefined)
})

it('lets no label and no help end its line or its quotes', async () => {
  const gauge = provider.getMeter('test').createGauge('a', { description: 'one\\two\nthree "four"' })
  gauge.record(1, { 'the.stage': 'x"} 5\nb \\' })
  expect(await text()).toBe(`# HELP a one\\\\two\\nthree \\"four\\"
# TYPE a gauge
a{the_stage="x\\"} 5\\nb \\\\"} 1
# EOF
`)
})
