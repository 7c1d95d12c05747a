import { context, createContextKey, SpanStatusCode, trace } from '@opentelemetry/api'
import { describe, expect, it } from 'vitest'
import { setupTracing } from '../../src/runtime/tracing.ts'
import { type FakeHost, fakeHost, settle } from '../../src/testing/fake-host.ts'
import { collector, ENDPOINT, endSpans, setUp, status } from './collector.ts'

const warnings = (host: FakeHost) => host.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)
const ids = ({ traceId, spanId }: { traceId: string; spanId: string }) => ({ traceId, spanId })

/** What is sent of one span with these variables. */
async function sent(env: Record<string, string>) {
  const made = setUp(env)
  endSpans(1)
  await made.tracing.forceFlush()
  return { ...made, request: made.stub.requests[0] }
}

describe('what is sent', () => {
  it('has ids, parents, links, attributes, status, scope and resource', async () => {
    const { stub, tracing } = setUp({
      OTEL_SERVICE_NAME: 'gateway',
      OTEL_RESOURCE_ATTRIBUTES: 'service.name=other,deployment=a%20b',
    })
    const tracer = trace.getTracer('blockgate')
    const run = tracer.startSpan('sync.run')
    const attributes = { 'block.id': '01X', level: 2, ok: true, r: 0.5 }
    const options = { root: true, links: [{ context: run.spanContext() }], attributes }
    await tracer.startActiveSpan('sync.block', options, async block => {
      await Promise.resolve()
      const stage = tracer.startSpan('block.owned')
      stage.setStatus({ code: SpanStatusCode.ERROR, message: 'lost' })
      stage.end()
      block.end()
    })
    run.end()
    await tracing.forceFlush()
    const [stage, block, root] = stub.spans()
    expect([stage?.name, block?.name, root?.name]).toEqual(['block.owned', 'sync.block', 'sync.run'])
    expect(root).toMatchObject({ ...ids(run.spanContext()), links: [], status: { code: 0 } })
    expect([root?.parentSpanId, block?.parentSpanId]).toEqual([undefined, undefined])
    expect(block?.traceId).not.toBe(root?.traceId)
    expect(block).toMatchObject({ links: [ids(run.spanContext())], attributes, scope: 'blockgate' })
    expect(stage).toMatchObject({ traceId: block?.traceId, parentSpanId: block?.spanId })
    expect(stage?.status).toEqual({ code: 2, message: 'lost' })
    expect(stage?.resource).toMatchObject({ 'service.name': 'gateway', deployment: 'a b' })
    expect(BigInt(root?.endTimeUnixNano ?? 0) >= BigInt(root?.startTimeUnixNano ?? 1)).toBe(true)
    expect(stub.requests).toHaveLength(1)
    expect([stub.requests[0]?.headers, stub.requests[0]?.redirect]).toEqual([
      { 'content-type': 'application/json' },
      'manual',
    ])
  })

  it('carries blockgate as the name of the service where nothing else is said', async () => {
    expect((await sent({})).stub.spans()[0]?.resource['service.name']).toBe('blockgate')
  })

  it('is protobuf where no protocol is said', async () => {
    const { request } = await sent({ OTEL_EXPORTER_OTLP_PROTOCOL: '' })
    expect(request?.headers).toEqual({ 'content-type': 'application/x-protobuf' })
    // Field 1, length-delimited: the first ResourceSpans.
    expect(request?.body[0]).toBe(0x0a)
    expect(new TextDecoder().decode(request?.body)).toContain('span 0')
  })

  it('is compressed where the compression is gzip', async () => {
    const { stub, tracing } = setUp({ OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' })
    stub.answer(status(400))
    endSpans(1, 'small')
    await tracing.forceFlush()
    const [request] = stub.requests
    expect(request?.headers['content-encoding']).toBe('gzip')
    const plain = new Blob([new Uint8Array(request?.body ?? [])]).stream().pipeThrough(new DecompressionStream('gzip'))
    expect(await new Response(plain).text()).toContain('small 0')
  })

  it('carries the headers of both variables, percent-decoded, where the own one of traces wins', async () => {
    const { request } = await sent({
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Basic%20YTpi=, x-team=a,',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'X-Team=b',
    })
    expect(request?.headers).toMatchObject({ authorization: 'Basic YTpi=', 'x-team': 'b' })
  })

  it.each([
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'http://c:4318', 'http://c:4318/v1/traces'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'http://c:4318/', 'http://c:4318/v1/traces'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'https://c/base/?key=1', 'https://c/base/v1/traces?key=1'],
    ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'http://c/custom', 'http://c/custom'],
  ])('goes for %s=%s to %s', async (name, endpoint, url) => {
    expect((await sent({ [name]: endpoint })).stub.requests.map(request => request.url)).toEqual([url])
  })
})

describe('where nothing is exported', () => {
  it.each<[string, Record<string, string>]>([
    ['no endpoint is given', { OTEL_EXPORTER_OTLP_ENDPOINT: '' }],
    ['OTEL_SDK_DISABLED is true', { OTEL_SDK_DISABLED: 'TRUE', OTEL_EXPORTER_OTLP_PROTOCOL: 'not looked at' }],
    ['OTEL_TRACES_EXPORTER is none', { OTEL_TRACES_EXPORTER: 'none' }],
  ])('spans record nothing and no context is kept: %s', async (_, env) => {
    const { stub, host, tracing } = setUp(env)
    expect(tracing.enabled).toBe(false)
    expect(trace.getTracer('test').startSpan('span').isRecording()).toBe(false)
    const key = createContextKey('kept')
    expect(context.with(context.active().setValue(key, 1), () => context.active().getValue(key))).toBeUndefined()
    endSpans(1)
    await tracing.forceFlush()
    await tracing.shutdown()
    expect([stub.requests, host.pendingTimers, host.lines, tracing.dropped]).toEqual([[], 0, [], 0])
  })

  it('an exporter without an endpoint is told in the log', () => {
    const { host } = setUp({ OTEL_EXPORTER_OTLP_ENDPOINT: '', OTEL_TRACES_EXPORTER: 'otlp' })
    expect(warnings(host)).toEqual([
      'OTEL_TRACES_EXPORTER is "otlp", but nothing is exported: OTEL_EXPORTER_OTLP_ENDPOINT is not set',
    ])
  })

  it('a provider that is already set is kept, and ours stays away', async () => {
    const first = setUp({})
    const second = setupTracing(ENDPOINT, { host: first.host, fetch: collector().fetch })
    expect(second.enabled).toBe(false)
    await second.shutdown()
    endSpans(1)
    await first.tracing.forceFlush()
    expect(first.stub.spans()).toHaveLength(1)
  })
})

describe('values that cannot be followed', () => {
  const PAIRS = 'must be percent-encoded key=value pairs that HTTP allows, with commas between: entry 2 is not'
  it.each<[string, Record<string, string>, string]>([
    [
      'a protocol',
      { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
      'OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf or http/json: current value is "grpc"',
    ],
    [
      'an exporter',
      { OTEL_TRACES_EXPORTER: 'zipkin' },
      'OTEL_TRACES_EXPORTER must be otlp or none: current value is "zipkin"',
    ],
    [
      'an endpoint',
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' },
      'OTEL_EXPORTER_OTLP_ENDPOINT must be an http or https URL: current value is "collector:4318"',
    ],
    [
      'a password in the endpoint, which is not shown',
      { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://me:secret@c/' },
      'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT must have no user and no password: give them in OTEL_EXPORTER_OTLP_HEADERS',
    ],
    [
      'headers, which are not shown',
      { OTEL_EXPORTER_OTLP_HEADERS: 'a=b,secret' },
      `OTEL_EXPORTER_OTLP_HEADERS ${PAIRS}`,
    ],
    [
      'headers that HTTP forbids',
      { OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'a=b,c=d%0Ae' },
      `OTEL_EXPORTER_OTLP_TRACES_HEADERS ${PAIRS}`,
    ],
    [
      'several, all at once',
      { OTEL_EXPORTER_OTLP_COMPRESSION: 'br', OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'x' },
      'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL must be http/protobuf or http/json: current value is "x"; ' +
        'OTEL_EXPORTER_OTLP_COMPRESSION must be none or gzip: current value is "br"',
    ],
  ])('are an error that names the variable: %s', (_, env, message) => {
    expect(() => setUp(env)).toThrow(
      expect.objectContaining({ code: 'invalid-config', message: `invalid-config: ${message}` }),
    )
    expect(trace.getTracer('test').startSpan('span').isRecording()).toBe(false)
  })

  it('are a warning where they are a number, a flag, a sampler or attributes, and the default is used', async () => {
    const { stub, host } = await sent({
      OTEL_SDK_DISABLED: 'yes',
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '0',
      OTEL_BSP_SCHEDULE_DELAY: '5s',
      OTEL_TRACES_SAMPLER: 'constructor',
      OTEL_RESOURCE_ATTRIBUTES: 'a=b,c',
    })
    expect(warnings(host)).toEqual([
      'OTEL_SDK_DISABLED must be true or false: current value is "yes": false is used',
      'OTEL_RESOURCE_ATTRIBUTES must be percent-encoded key=value pairs with commas between: current value is "a=b,c": none of them is used',
      'OTEL_TRACES_SAMPLER must be one of always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off, parentbased_traceidratio: current value is "constructor": parentbased_always_on is used',
      'OTEL_BSP_MAX_EXPORT_BATCH_SIZE must be a whole number from 1 to 999999999: current value is "0": 2048 is used',
      'OTEL_BSP_SCHEDULE_DELAY must be a whole number from 0 to 999999999: current value is "5s": 5000 is used',
    ])
    expect(stub.spans()[0]?.resource).not.toHaveProperty('a')
  })
})

describe('sampling', () => {
  it('takes every trace where the ratio is no number from 0 to 1, and warns', () => {
    const log = fakeHost()
    setUp({ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '2' }, { log: log.log })
    const must = 'OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1'
    expect(warnings(log)).toEqual([`${must}: current value is "2": 1 is used`])
  })

  it.each([
    ['always_on', '', 20],
    ['always_off', '', 0],
    ['traceidratio', '0', 0],
    ['traceidratio', '1', 20],
    ['parentbased_always_off', '', 0],
    ['parentbased_traceidratio', '0', 0],
    ['parentbased_traceidratio', '2', 20],
  ])('follows OTEL_TRACES_SAMPLER=%s with the argument "%s"', async (name, argument, expected) => {
    const { stub, tracing } = setUp({ OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: argument })
    endSpans(20)
    await tracing.forceFlush()
    expect(stub.spans()).toHaveLength(expected)
  })

  it('asks the parent where the sampler is parentbased', async () => {
    const { stub, tracing } = setUp({ OTEL_TRACES_SAMPLER: 'parentbased_always_off' })
    const remote = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1, isRemote: true }
    context.with(trace.setSpanContext(context.active(), remote), () => endSpans(1))
    await tracing.forceFlush()
    expect(stub.spans()).toHaveLength(1)
  })
})

it('a second setup works after a shutdown, which takes provider and context manager away', async () => {
  const first = setUp({})
  await first.tracing.shutdown()
  await first.tracing.shutdown()
  expect(trace.getTracer('test').startSpan('between').isRecording()).toBe(false)
  const second = setUp({})
  expect(second.tracing.enabled).toBe(true)
  endSpans(1, 'second')
  await second.tracing.forceFlush()
  await settle()
  expect(second.stub.spans().map(span => span.name)).toEqual(['second 0'])
  expect(first.stub.requests).toEqual([])
})
