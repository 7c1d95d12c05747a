import { trace } from '@opentelemetry/api'
import { describe, expect, it } from 'vitest'
import { setupMetrics } from '../../src/runtime/metrics.ts'
import { settle } from '../../src/testing/fake-host.ts'
import { endSpans, never, setUp, status } from './collector.ts'
import { decodeSpans } from './otlp.ts'

const names = (count: number, name = 'span') => Array.from({ length: count }, (_, i) => `${name} ${i}`)

describe('when spans leave', () => {
  it('a few wait for the schedule delay, and leave together', async () => {
    const { stub, host } = setUp({ OTEL_BSP_SCHEDULE_DELAY: '700' })
    endSpans(3)
    await host.advance(699)
    expect(stub.requests).toHaveLength(0)
    await host.advance(1)
    expect(stub.requests).toHaveLength(1)
    expect(stub.spans().map(span => span.name)).toEqual(names(3))
    endSpans(1, 'next')
    await host.advance(700)
    expect(stub.spans()).toHaveLength(4)
  })

  it('full batches leave at once, and what fills none waits for the schedule delay; none is sent twice', async () => {
    const { stub, host } = setUp({ OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '10' })
    endSpans(25)
    await settle()
    expect(stub.requests).toHaveLength(2)
    await host.advance(5000)
    expect(stub.requests).toHaveLength(3)
    expect(stub.spans().map(span => span.name)).toEqual(names(25))
  })

  it('spans that end while the collector takes its time leave in full batches', async () => {
    const { stub, host } = setUp({ OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '10' })
    const answers: (() => void)[] = []
    stub.answer(() => new Promise(resolve => answers.push(() => resolve(new Response()))))
    endSpans(10)
    await settle()
    for (let i = 0; i < 12; i++) endSpans(1, `later ${i}`)
    for (const answer of answers.splice(0)) answer()
    await settle()
    for (const answer of answers.splice(0)) answer()
    await settle()
    expect(stub.requests.map(({ body }) => decodeSpans(body).length)).toEqual([10, 10])
    await host.advance(5000)
    for (const answer of answers.splice(0)) answer()
    await settle()
    expect(stub.spans()).toHaveLength(22)
  })

  it('the requests are outside of the span in which a batch became full', async () => {
    const { stub } = setUp({ OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '2' })
    const active: unknown[] = []
    stub.answer(() => {
      active.push(trace.getActiveSpan())
      return new Response()
    })
    await trace.getTracer('test').startActiveSpan('outer', async outer => {
      endSpans(2)
      await settle()
      expect(trace.getActiveSpan()).toBe(outer)
      outer.end()
    })
    expect(active).toEqual([undefined])
  })

  it('never more than four requests are open', async () => {
    const { stub, tracing } = setUp({ OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '1' })
    stub.answer(async () => {
      await settle()
      return new Response()
    })
    endSpans(20)
    await tracing.forceFlush()
    expect([stub.mostOpen, stub.spans().length]).toEqual([4, 20])
  })

  it('nothing leaves by itself on Workers, and one flush sends all', async () => {
    const { stub, host, tracing } = setUp({ OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '10' }, { background: false })
    endSpans(25)
    await host.advance(60_000)
    expect([stub.requests.length, host.pendingTimers]).toEqual([0, 0])
    await tracing.forceFlush()
    expect([stub.spans().length, host.pendingTimers]).toEqual([25, 0])
  })

  it('a flush on Workers does not wait for the requests of another flush', async () => {
    const { stub, tracing } = setUp({}, { background: false })
    stub.answer(never)
    endSpans(1, 'stuck')
    void tracing.forceFlush()
    await settle()
    stub.answer(status(200))
    endSpans(1, 'free')
    await tracing.forceFlush()
    expect(stub.spans().map(span => span.name)).toEqual(['free 0'])
  })
})

describe('when the collector fails', () => {
  it.each([429, 502, 503, 504])('%i is tried again with the same bytes, and no span is lost', async code => {
    const { stub, host, tracing } = setUp()
    stub.answer(status(code))
    endSpans(2)
    const flushed = tracing.forceFlush()
    await settle()
    expect(stub.requests).toHaveLength(1)
    stub.answer(status(200))
    await host.advance(249)
    expect(stub.requests).toHaveLength(1)
    await host.advance(251)
    await flushed
    expect(stub.requests).toHaveLength(2)
    expect(stub.requests[1]?.body).toEqual(stub.requests[0]?.body)
    expect([stub.spans().length, tracing.dropped]).toEqual([2, 0])
  })

  it('waits longer after each try, up to ten seconds', async () => {
    const { stub, host } = setUp({ OTEL_BSP_SCHEDULE_DELAY: '0' })
    const at: number[] = []
    stub.answer(() => {
      at.push(host.monotonic())
      return new Response(null, { status: 503 })
    })
    endSpans(1)
    for (let i = 0; i < 60; i++) await host.advance(1000)
    const waits = at.slice(1).map((time, i) => time - (at[i] ?? 0))
    for (const [i, ms] of [500, 1000, 2000, 4000, 8000, 10_000, 10_000].entries()) {
      expect(waits[i]).toBeGreaterThanOrEqual(ms / 2)
      expect(waits[i]).toBeLessThanOrEqual(ms)
    }
  })

  it.each([
    ['seconds', () => '7'],
    ['a date', (now: number) => new Date(now + 7000).toUTCString()],
  ])('comes back no earlier than Retry-After says, in %s', async (_, value) => {
    const { stub, host } = setUp({ OTEL_BSP_SCHEDULE_DELAY: '0' })
    stub.answer(status(503, { 'retry-after': value(host.now()) }))
    endSpans(1)
    await host.advance(0)
    stub.answer(status(200))
    await host.advance(6999)
    expect(stub.requests).toHaveLength(1)
    await host.advance(1)
    expect(stub.spans()).toHaveLength(1)
  })

  it('a request without an answer ends after OTEL_EXPORTER_OTLP_TIMEOUT and is tried again', async () => {
    const { stub, host, tracing } = setUp({ OTEL_EXPORTER_OTLP_TIMEOUT: '2000', OTEL_BSP_SCHEDULE_DELAY: '0' })
    stub.answer(never)
    endSpans(1)
    await host.advance(1999)
    expect(host.lines).toEqual([])
    await host.advance(1)
    expect(host.lines.map(line => line.fields.why)).toEqual(['no answer within 2000 ms'])
    stub.answer(status(200))
    await host.advance(500)
    expect([stub.spans().length, tracing.dropped]).toEqual([1, 0])
  })

  it.each([302, 400, 401, 413, 500])('%i drops the batch at once, counted and told in the log', async code => {
    const { stub, host, tracing } = setUp()
    stub.answer(status(code))
    endSpans(3)
    await tracing.forceFlush()
    expect([stub.requests.length, tracing.dropped]).toEqual([1, 3])
    const fields = { why: `the collector answered ${code}`, dropped: 3, waiting: 0 }
    expect(host.lines).toEqual([{ level: 'warn', message: 'spans cannot be exported', fields }])
  })

  // ExportTraceServiceResponse { partial_success { rejected_spans: 2, error_message: "no" } }, with fields that are not known
  const REJECTED = new Uint8Array([0x10, 7, 0x0a, 8, 0x18, 8, 0x08, 2, 0x12, 2, 0x6e, 0x6f])
  it.each([
    ['http/protobuf', REJECTED],
    ['http/json', '{"partialSuccess":{"rejectedSpans":"2","errorMessage":"no"}}'],
  ])(
    'counts the spans that the collector says it rejected, and sends them no second time: %s',
    async (protocol, body) => {
      const { stub, host, tracing } = setUp({ OTEL_EXPORTER_OTLP_PROTOCOL: protocol })
      stub.answer(() => new Response(body))
      endSpans(5)
      await tracing.forceFlush()
      expect([stub.requests.length, tracing.dropped]).toEqual([1, 2])
      expect(host.lines[0]?.fields.why).toBe('the collector rejected spans: no')
    },
  )

  it('counts no more spans as rejected than there were', async () => {
    const { stub, tracing } = setUp()
    stub.answer(() => new Response('{"partialSuccess":{"rejectedSpans":1e999}}'))
    endSpans(5)
    await tracing.forceFlush()
    expect(tracing.dropped).toBe(5)
  })

  it.each([
    ['http/protobuf', '<html>fine</html>'],
    ['http/protobuf', '\n\x7f'],
    ['http/json', '<html>fine</html>'],
    ['http/json', 'null'],
    ['http/json', '{"partialSuccess":{"rejectedSpans":"many"}}'],
  ])('takes a yes for a yes where the body is not OTLP: %s %s', async (protocol, body) => {
    const { stub, tracing } = setUp({ OTEL_EXPORTER_OTLP_PROTOCOL: protocol })
    stub.answer(() => new Response(body))
    endSpans(1)
    await tracing.forceFlush()
    expect([stub.requests.length, tracing.dropped]).toEqual([1, 0])
  })

  it('complains once a minute, not once a batch', async () => {
    const { stub, host, tracing } = setUp({ OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '1' })
    stub.answer(status(400))
    endSpans(5)
    await tracing.forceFlush()
    expect(host.lines).toHaveLength(1)
    await host.advance(60_000)
    endSpans(5)
    await tracing.forceFlush()
    expect(host.lines.map(line => line.fields.dropped)).toEqual([1, 6])
  })
})

describe('what is dropped', () => {
  it('is a metric, by its reason', async () => {
    const meters = setupMetrics()
    const env = { OTEL_BSP_MAX_QUEUE_SIZE: '4', OTEL_BSP_EXPORT_TIMEOUT: '3000' }
    const { stub, host, tracing } = setUp(env, { onLost: meters.metrics.spansLost })
    stub.answer(status(400))
    endSpans(3)
    await tracing.forceFlush()
    expect(await meters.text()).toContain('blockgate_trace_spans_lost_total{reason="refused"} 3\n')
    stub.answer(status(503))
    endSpans(6)
    const open = trace.getTracer('test').startSpan('ends too late')
    const closed = tracing.shutdown()
    await host.advance(3000)
    await closed
    open.end()
    const text = await meters.text()
    for (const [reason, spans] of Object.entries({ refused: 3, 'queue-full': 2, unreachable: 4, late: 1 })) {
      expect(text).toContain(`blockgate_trace_spans_lost_total{reason="${reason}"} ${spans}\n`)
    }
    expect(tracing.dropped).toBe(10)
  })

  it('a full queue drops the newest spans and counts them', async () => {
    const { stub, tracing } = setUp({ OTEL_BSP_MAX_QUEUE_SIZE: '10' }, { background: false })
    endSpans(13)
    expect(tracing.dropped).toBe(3)
    await tracing.forceFlush()
    expect(stub.spans().map(span => span.name)).toEqual(names(10))
  })

  it.each([true, false])(
    'a flush gives up after OTEL_BSP_EXPORT_TIMEOUT and keeps the spans (background: %s)',
    async background => {
      const { stub, host, tracing } = setUp({ OTEL_BSP_EXPORT_TIMEOUT: '3000' }, { background })
      stub.answer(status(503))
      endSpans(2)
      let done = false
      const flushed = tracing.forceFlush().then(() => {
        done = true
      })
      await host.advance(2999)
      expect(done).toBe(false)
      await host.advance(1)
      expect(done).toBe(true)
      await flushed
      expect(tracing.dropped).toBe(0)
      stub.answer(status(200))
      const again = tracing.forceFlush()
      await host.advance(10_000)
      await again
      expect(stub.spans().map(span => span.name)).toEqual(names(2))
    },
  )

  it('a shutdown with the collector away ends in time, counts what is left and leaves no timer', async () => {
    const { stub, host, tracing } = setUp({ OTEL_BSP_EXPORT_TIMEOUT: '3000' })
    stub.answer(status(503))
    endSpans(2)
    const open = trace.getTracer('test').startSpan('ends too late')
    const closed = tracing.shutdown()
    await host.advance(3000)
    await closed
    expect([tracing.dropped, host.pendingTimers]).toEqual([2, 0])
    open.end()
    expect(tracing.dropped).toBe(3)
    const sent = stub.requests.length
    await host.advance(60_000)
    expect(stub.requests).toHaveLength(sent)
  })

  it.each<[string, Parameters<ReturnType<typeof setUp>['stub']['answer']>[0]]>([
    ['refuses connections', () => Promise.reject(new TypeError('fetch failed'))],
    ['takes the request and never answers', never],
    ['answers 503 and to come back in an hour', status(503, { 'retry-after': '3600' })],
    [
      'begins an answer and never ends it',
      signal =>
        new Response(
          new ReadableStream({ start: c => signal.addEventListener('abort', () => c.error(signal.reason)) }),
        ),
    ],
  ])('a collector that %s costs a shutdown no more than its quietMs', async (_, answer) => {
    const { stub, host, tracing } = setUp({ OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '1', OTEL_BSP_SCHEDULE_DELAY: '50' })
    stub.answer(answer)
    endSpans(20)
    // Away for long, so that what waits has an hour, or many tries, behind it.
    await host.advance(100_000)
    let closedAt = 0
    const closed = tracing.shutdown({ quietMs: 2000, maxMs: 5000 }).then(() => {
      closedAt = host.monotonic()
    })
    await host.advance(1999)
    expect(closedAt).toBe(0)
    await host.advance(1)
    await closed
    expect([closedAt, tracing.dropped, host.pendingTimers]).toEqual([102_000, 20, 0])
  })

  it.each([
    ['that takes batch after batch gets all of them, whatever quietMs is', '30000', undefined, 7500, [20, 0]],
    ['costs a shutdown no more than its maxMs: open requests are cut', '30000', 5000, 5000, [12, 8]],
    ['costs a shutdown no more than OTEL_BSP_EXPORT_TIMEOUT', '5000', 60_000, 5000, [12, 8]],
  ])('a slow collector %s', async (_, timeout, maxMs, ms, expected) => {
    const env = { OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '1', OTEL_BSP_EXPORT_TIMEOUT: timeout }
    const { stub, host, tracing } = setUp(env)
    stub.answer(signal => Promise.race([never(signal), slowYes(host)]))
    endSpans(20)
    const closed = tracing.shutdown({ quietMs: 2000, maxMs })
    await host.advance(ms)
    await closed
    expect([stub.spans().length, tracing.dropped]).toEqual(expected)
  })
})

/** Yes, after 1.5 s. */
function slowYes(host: ReturnType<typeof setUp>['host']): Promise<Response> {
  return new Promise(resolve => {
    host.setTimer(1500, () => resolve(new Response()))
  })
}
