import { context, createContextKey, SpanStatusCode, trace } from '@opentelemetry/api'
import { afterEach, describe, expect, it } from 'vitest'
import { setupTracing, type Tracing, type TracingOptions } from '../../src/runtime/tracing.ts'
import { type FakeHost, fakeHost, settle } from '../../src/testing/fake-host.ts'
import { collector } from './collector.ts'

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector.test:4318' }

let tracing: Tracing | undefined

function setUp(env: Record<string, string>, options: TracingOptions = {}) {
  const stub = collector()
  const host = fakeHost()
  tracing = setupTracing({ ...ENDPOINT, ...env }, { host, fetch: stub.fetch, background: true, ...options })
  return { stub, host, tracing }
}

function endSpans(count: number, name = 'span'): void {
  for (let i = 0; i < count; i++) trace.getTracer('test').startSpan(`${name} ${i}`).end()
}

function warnings(host: FakeHost): string[] {
  return host.lines.filter(line => line.level === 'warn').map(line => line.message)
}

afterEach(async () => {
  await tracing?.shutdown()
  tracing = undefined
})

describe('what is sent', () => {
  it('is protobuf with ids, parents, links, attributes, status, scope and resource', async () => {
    const { stub, tracing } = setUp({
      OTEL_SERVICE_NAME: 'gateway',
      OTEL_RESOURCE_ATTRIBUTES: 'service.name=other,deployment=a%20b',
    })
    const run = trace.getTracer('blockgate').startSpan('sync.run')
    await trace.getTracer('blockgate').startActiveSpan(
      'sync.block',
      {
        root: true,
        links: [{ context: run.spanContext() }],
        attributes: { 'block.id': '01X', level: 2, ok: true, r: 0.5 },
      },
      async block => {
        await Promise.resolve()
        const stage = trace.getTracer('blockgate').startSpan('block.owned')
        stage.setStatus({ code: SpanStatusCode.ERROR, message: 'lost' })
        stage.end()
        block.end()
      },
    )
    run.end()
    await tracing.forceFlush()
    const [stage, block, root] = stub.spans()
    if (!stage || !block || !root) throw new Error('three spans must arrive')
    expect([stage.name, block.name, root.name]).toEqual(['block.owned', 'sync.block', 'sync.run'])
    expect(root).toMatchObject({ ...ids(run.spanContext()), parentSpanId: '', links: [], status: { code: 0 } })
    expect(block.traceId).not.toBe(root.traceId)
    expect(block).toMatchObject({
      parentSpanId: '',
      links: [ids(run.spanContext())],
      attributes: { 'block.id': '01X', level: 2, ok: true, r: 0.5 },
      scope: 'blockgate',
    })
    expect(stage).toMatchObject({ traceId: block.traceId, parentSpanId: block.spanId })
    expect(stage.status).toEqual({ code: 2, message: 'lost' })
    expect(stage.resource).toMatchObject({ 'service.name': 'gateway', deployment: 'a b' })
    expect(root.endNanos >= root.startNanos && root.startNanos > 0n).toBe(true)
    expect(stub.requests).toHaveLength(1)
    expect(stub.requests[0]?.headers).toEqual({ 'content-type': 'application/x-protobuf' })
    expect(stub.requests[0]?.redirect).toBe('manual')
  })

  it('carries blockgate as the name of the service where nothing else is said', async () => {
    const { stub, tracing } = setUp({})
    endSpans(1)
    await tracing.forceFlush()
    expect(stub.spans()[0]?.resource['service.name']).toBe('blockgate')
  })

  it('is JSON where the protocol is http/json', async () => {
    const { stub, tracing } = setUp({ OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' })
    endSpans(1, 'json')
    await tracing.forceFlush()
    expect(stub.requests[0]?.headers['content-type']).toBe('application/json')
    const body = JSON.parse(new TextDecoder().decode(stub.requests[0]?.body))
    expect(body.resourceSpans[0].scopeSpans[0].spans[0].name).toBe('json 0')
  })

  it('is compressed where the compression is gzip', async () => {
    const { stub, tracing } = setUp({ OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' })
    stub.answer(() => new Response(null, { status: 400 }))
    endSpans(1, 'small')
    await tracing.forceFlush()
    const sent = stub.requests[0]
    expect(sent?.headers['content-encoding']).toBe('gzip')
    const plain = new Blob([new Uint8Array(sent?.body ?? [])]).stream().pipeThrough(new DecompressionStream('gzip'))
    expect(new TextDecoder().decode(await new Response(plain).arrayBuffer())).toContain('small 0')
  })

  it('carries the headers of both variables, percent-decoded, where the own one of traces wins', async () => {
    const { stub, tracing } = setUp({
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Basic%20YTpi=, x-team=a,',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'X-Team=b',
    })
    endSpans(1)
    await tracing.forceFlush()
    expect(stub.requests[0]?.headers).toMatchObject({ authorization: 'Basic YTpi=', 'x-team': 'b' })
  })

  it.each([
    ['http://c:4318', 'http://c:4318/v1/traces'],
    ['http://c:4318/', 'http://c:4318/v1/traces'],
    ['https://c/base/?key=1', 'https://c/base/v1/traces?key=1'],
  ])('goes below the general endpoint %s', async (endpoint, url) => {
    const { stub, tracing } = setUp({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })
    endSpans(1)
    await tracing.forceFlush()
    expect(stub.requests.map(request => request.url)).toEqual([url])
  })

  it('goes to the endpoint of traces as it is', async () => {
    const { stub, tracing } = setUp({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c/custom' })
    endSpans(1)
    await tracing.forceFlush()
    expect(stub.requests.map(request => request.url)).toEqual(['http://c/custom'])
  })
})

describe('where nothing is exported', () => {
  const off: [string, Record<string, string>][] = [
    ['no endpoint is given', { OTEL_EXPORTER_OTLP_ENDPOINT: '' }],
    ['OTEL_SDK_DISABLED is true', { OTEL_SDK_DISABLED: 'TRUE', OTEL_EXPORTER_OTLP_PROTOCOL: 'not looked at' }],
    ['OTEL_TRACES_EXPORTER is none', { OTEL_TRACES_EXPORTER: 'none' }],
  ]
  it.each(off)('spans record nothing and no context is kept: %s', async (_, env) => {
    const { stub, host, tracing } = setUp(env)
    expect(tracing.enabled).toBe(false)
    const span = trace.getTracer('test').startSpan('span')
    expect(span.isRecording()).toBe(false)
    const key = createContextKey('kept')
    const kept = context.with(context.active().setValue(key, 1), () => context.active().getValue(key))
    expect(kept).toBeUndefined()
    span.end()
    await tracing.forceFlush()
    await tracing.shutdown()
    expect(stub.requests).toEqual([])
    expect(host.pendingTimers).toBe(0)
    expect(host.lines).toEqual([])
    expect(tracing.dropped).toBe(0)
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
  const bad: [string, Record<string, string>, string][] = [
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
      'OTEL_EXPORTER_OTLP_HEADERS must be percent-encoded key=value pairs that HTTP allows, with commas between: entry 2 is not',
    ],
    [
      'headers that HTTP forbids',
      { OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'a=b,c=d%0Ae' },
      'OTEL_EXPORTER_OTLP_TRACES_HEADERS must be percent-encoded key=value pairs that HTTP allows, with commas between: entry 2 is not',
    ],
    [
      'several, all at once',
      { OTEL_EXPORTER_OTLP_COMPRESSION: 'br', OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'x' },
      'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL must be http/protobuf or http/json: current value is "x"; ' +
        'OTEL_EXPORTER_OTLP_COMPRESSION must be none or gzip: current value is "br"',
    ],
  ]
  it.each(bad)('are an error that names the variable: %s', (_, env, message) => {
    expect(() => setUp(env)).toThrow(
      expect.objectContaining({ code: 'invalid-config', message: `invalid-config: ${message}` }),
    )
    expect(trace.getTracer('test').startSpan('span').isRecording()).toBe(false)
  })

  it('are a warning where they are a number, a flag, a sampler or attributes, and the default is used', async () => {
    const { stub, host, tracing } = setUp({
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
      'OTEL_BSP_MAX_EXPORT_BATCH_SIZE must be a whole number from 1 to 999999999: current value is "0": 512 is used',
      'OTEL_BSP_SCHEDULE_DELAY must be a whole number from 0 to 999999999: current value is "5s": 5000 is used',
    ])
    endSpans(1)
    await tracing.forceFlush()
    expect(stub.spans()[0]?.resource).not.toHaveProperty('a')
  })
})

describe('sampling', () => {
  it('takes every trace where the ratio is no number from 0 to 1, and warns', () => {
    const log = fakeHost()
    setUp({ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '2' }, { log: log.log })
    expect(warnings(log)).toEqual([
      'OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1: current value is "2": 1 is used',
    ])
  })

  const samplers: [string, string, number][] = [
    ['always_on', '', 20],
    ['always_off', '', 0],
    ['traceidratio', '0', 0],
    ['traceidratio', '1', 20],
    ['parentbased_always_off', '', 0],
    ['parentbased_traceidratio', '0', 0],
    ['parentbased_traceidratio', '2', 20],
  ]
  it.each(samplers)('follows OTEL_TRACES_SAMPLER=%s with the argument "%s"', async (name, argument, expected) => {
    const { stub, tracing } = setUp({ OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: argument })
    endSpans(20)
    await tracing.forceFlush()
    expect(stub.spans()).toHaveLength(expected)
  })
})

function ids({ traceId, spanId }: { traceId: string; spanId: string }): { traceId: string; spanId: string } {
  return { traceId, spanId }
}

describe('a second setup', () => {
  it('works after a shutdown, which takes provider and context manager away', async () => {
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
})
