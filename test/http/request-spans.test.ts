import { SpanKind } from '@opentelemetry/api'
import { type Spans, spans } from 'blockgate/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { blocks, scriptedSink } from '../support/world.ts'
import { appWorld } from './app-world.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'
const traceparent = `00-${TRACE}-${SPAN}-01`

let recorded: Spans
beforeEach(() => {
  recorded = spans()
})
afterEach(() => recorded.stop())

const requests = () => recorded.finished().filter(({ kind }) => kind === SpanKind.SERVER)

describe('a request with a traceparent', () => {
  it.each([
    ['/api/v1/blocks?state=serving&limit=5', '/api/v1/blocks', 200],
    ['/api/v1/blocks/01M82F4VZX6D8RGEKE0HPYTSKH', '/api/v1/blocks/:ulid', 404],
    ['/api/v1/runs', '/api/v1/runs', 200],
    ['/api/v1/serving', '/api/v1/serving', 200],
    ['/api/v1/ring', '/api/v1/ring', 404],
  ])('to %s is a span of kind SERVER in that trace, without its query', async (path, route, status) => {
    const { app } = await appWorld({ list: blocks(1) })
    await app.request(path, { headers: { traceparent } })
    const [span] = requests()
    expect([requests().length, span?.name]).toEqual([1, `GET ${route}`])
    expect([span?.spanContext().traceId, span?.parentSpanContext?.spanId]).toEqual([TRACE, SPAN])
    expect(span?.attributes).toEqual({
      'http.request.method': 'GET',
      'http.route': route,
      'http.response.status_code': status,
    })
    expect(span?.status.code).toBe(0)
  })

  it('that is not recorded leaves nothing either', async () => {
    const { app } = await appWorld({ list: blocks(1) })
    await app.request('/api/v1/runs', { headers: { traceparent: `00-${TRACE}-${SPAN}-00` } })
    const told = requests().filter(span => (span.spanContext().traceFlags & 1) === 1)
    expect(told).toEqual([])
  })

  it.each([
    ['no header', undefined],
    ['another version', `ff-${TRACE}-${SPAN}-01`],
    ['more behind it', `${traceparent}-extra`],
    ['upper case', traceparent.toUpperCase()],
    ['a trace of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['a span of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['a short trace', `00-${TRACE.slice(1)}-${SPAN}-01`],
    ['two of them', `${traceparent}, ${traceparent}`],
    ['a script', '<script>alert(1)</script>'],
    ['a long text', '0'.repeat(10_000)],
  ])('that is not as it must be (%s) is none', async (_, header) => {
    const { app, post } = await appWorld({ list: blocks(1) })
    const headers: Record<string, string> = header === undefined ? {} : { traceparent: header }
    await app.request('/api/v1/runs', { headers })
    expect(requests()).toEqual([])
    await post('/api/v1/sync', { headers })
    expect(requests()[0]?.parentSpanContext).toBe(undefined)
  })
})

describe('the span of POST /api/v1/sync', () => {
  it('is there always, and in the trace of who asks', async () => {
    const { post, host } = await appWorld({ list: blocks(1) })
    expect((await post('/api/v1/sync')).status).toBe(202)
    expect((await post('/api/v1/sync', { headers: { traceparent } })).status).toBe(202)
    await host.advance(0)
    const [alone, asked] = requests()
    expect([alone?.name, alone?.parentSpanContext]).toEqual(['POST /api/v1/sync', undefined])
    expect([asked?.spanContext().traceId, asked?.parentSpanContext?.isRemote]).toEqual([TRACE, true])
  })

  it('has the run that it asked for below it, and not the runs that follow', async () => {
    const { post, host, gateway } = await appWorld({ list: blocks(1) })
    await post('/api/v1/sync', { headers: { traceparent } })
    await host.advance(0)
    const runs = () => recorded.finished().filter(({ name }) => name === 'sync.run')
    const [request] = requests()
    const [run] = runs()
    expect(run?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId)
    expect(run?.spanContext().traceId).toBe(TRACE)
    expect(request?.attributes).toMatchObject({ 'operator.action': 'sync', 'operator.confirm_drops': false })
    await gateway.sync()
    expect(runs()[1]?.parentSpanContext).toBe(undefined)
    expect(recorded.tree()).not.toContain('(never ended)')
  })

  it('of each who asks for one run leads to it: the first is above it, the others are linked', async () => {
    const sink = scriptedSink()
    const open = sink.gate(1)
    const { post, host } = await appWorld({ list: blocks(1), sink })
    await post('/api/v1/sync')
    await host.advance(0)
    recorded.reset()
    await post('/api/v1/sync')
    await post('/api/v1/sync', { headers: { traceparent } })
    await host.advance(0)
    open()
    await host.advance(0)
    const [first, second] = requests()
    const run = recorded.finished().find(({ name, links }) => name === 'sync.run' && links.length > 0)
    expect(run?.parentSpanContext?.spanId).toBe(first?.spanContext().spanId)
    expect(run?.links.map(({ context }) => context.spanId)).toContain(second?.spanContext().spanId)
  })

  it('is none of a request that may not, and has the status of one that is refused', async () => {
    const { post, gateway } = await appWorld({ list: blocks(1) })
    expect((await post('/api/v1/sync', { peer: '10.0.0.1', headers: { traceparent } })).status).toBe(403)
    expect(requests()).toEqual([])
    await gateway.stop()
    expect((await post('/api/v1/sync')).status).toBe(503)
    const [span] = requests()
    expect(span?.attributes).toMatchObject({ 'http.response.status_code': 503, 'error.type': '503' })
    expect(span?.events[0]?.attributes?.['exception.message']).toBe('the gateway is stopping')
  })
})

it('nobody who asks every few seconds leaves a span', async () => {
  const { app } = await appWorld({ list: blocks(1) })
  for (const path of ['/', '/-/ready', '/-/healthy', '/metrics', '/api/v1/serving', '/api/v1/blocks']) {
    await app.request(path)
  }
  for (const path of ['/-/ready', '/metrics', '/style.css']) await app.request(path, { headers: { traceparent } })
  expect(requests()).toEqual([])
})
