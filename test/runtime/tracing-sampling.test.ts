import { type Attributes, context, type Link, ROOT_CONTEXT, type Span, SpanStatusCode, trace } from '@opentelemetry/api'
import { describe, expect, it } from 'vitest'
import { shareOf } from '../../src/runtime/tracing/sampling.ts'
import type { LossReason } from '../../src/runtime/tracing.ts'
import { setUp } from './collector.ts'

const RATIO = { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio' }
const NONE = { ...RATIO, OTEL_TRACES_SAMPLER_ARG: '0' }
const ids = Array.from({ length: 2000 }, (_, n) => `01JCHRSZ3R0000000000${String(n).padStart(6, '0')}`)

const tracer = () => trace.getTracer('blockgate')
const below = (span: Span) => trace.setSpan(ROOT_CONTEXT, span)

/** One verdict on a block: three spans, the last one to end is the root. */
function block(id: string, { links = [], attributes = {} }: { links?: Link[]; attributes?: Attributes } = {}): Span {
  const root = tracer().startSpan('block', { links, attributes: { 'block.id': id, ...attributes } }, ROOT_CONTEXT)
  const stage = tracer().startSpan('stage', {}, below(root))
  tracer().startSpan('get', {}, below(stage)).end()
  stage.end()
  root.end()
  return root
}

/** The ULIDs that a gateway with this sampler exports of all blocks. */
async function keptBy(env: Record<string, string>): Promise<readonly unknown[]> {
  const { stub, tracing } = setUp(env)
  for (const id of ids) block(id)
  await tracing.shutdown()
  const roots = stub.spans().filter(span => span.name === 'block')
  expect(stub.spans()).toHaveLength(3 * roots.length)
  return roots.map(span => span.attributes['block.id'])
}

describe('a ratio', () => {
  it('keeps the same blocks on all gateways, whole traces, and its share of them', async () => {
    const first = await keptBy({ ...RATIO, OTEL_TRACES_SAMPLER_ARG: '0.1' })
    expect(first.length).toBeGreaterThan(150)
    expect(first.length).toBeLessThan(250)
    expect(await keptBy({ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.1' })).toEqual(first)
    const more = await keptBy({ ...RATIO, OTEL_TRACES_SAMPLER_ARG: '0.3' })
    expect(more).toEqual(expect.arrayContaining([...first]))
  })

  it('is spread evenly over ids that differ in one letter', () => {
    const shares = ids.map(shareOf)
    for (let tenth = 0; tenth < 10; tenth++) {
      const inIt = shares.filter(share => Math.floor(share * 10) === tenth).length
      expect(inIt).toBeGreaterThan(140)
      expect(inIt).toBeLessThan(260)
    }
  })

  it('is asked once more at the end of a root that has learnt its block by then', async () => {
    const { stub, tracing } = setUp({ ...RATIO, OTEL_TRACES_SAMPLER_ARG: '0.1' })
    const sampled = ids.filter(id => shareOf(id) < 0.1)
    for (const id of ids) tracer().startSpan('late').setAttribute('block.id', id).end()
    await tracing.forceFlush()
    const kept = stub.spans().map(span => span.attributes['block.id'])
    expect(kept).toEqual(expect.arrayContaining(sampled))
    expect(kept.length).toBeLessThan(2 * sampled.length + 100)
  })
})

describe('whatever the ratio', () => {
  const FAILED = { code: SpanStatusCode.ERROR }
  it.each<[string, (root: Span, stage: Span) => void]>([
    ['a failure', root => root.setStatus(FAILED)],
    ['a failure below the root', (_, stage) => stage.setStatus(FAILED)],
    ['a block that moves', root => root.setAttribute('block.move', true)],
    ['what an operator did', root => root.setAttribute('operator.action', 'sync')],
    ['a change of the epoch', root => root.setAttribute('ownership.epoch.cause', 'joined')],
    ['a drop', root => root.setAttribute('block.outcome', 'dropped')],
  ])('%s is kept, with all that came before it', async (_, mark) => {
    const { stub, tracing } = setUp(NONE)
    const root = tracer().startSpan('block', { attributes: { 'block.id': ids[0] } })
    const stage = tracer().startSpan('stage', {}, below(root))
    tracer().startSpan('get', {}, below(stage)).end()
    expect(root.spanContext().traceFlags).toBe(0)
    mark(root, stage)
    stage.end()
    root.end()
    expect(root.spanContext().traceFlags).toBe(1)
    tracer().startSpan('comes late', {}, below(stage)).end()
    await tracing.forceFlush()
    expect(stub.spans().map(span => span.name)).toEqual(['get', 'stage', 'block', 'comes late'])
    expect(new Set(stub.spans().map(span => span.traceId)).size).toBe(1)
  })

  it.each([
    [4999, 0],
    [5000, 2],
  ])('an add that took %i ms has %i of its spans exported', async (ms, expected) => {
    const { stub, tracing } = setUp(NONE)
    const start = Date.now()
    const root = tracer().startSpan('block', { startTime: start })
    const stage = tracer().startSpan('stage', { startTime: start }, below(root))
    stage.end(start + 1)
    root.end(start + ms)
    await tracing.forceFlush()
    expect(stub.spans()).toHaveLength(expected)
  })

  it('nothing else is', async () => {
    const { stub, tracing } = setUp(NONE)
    const root = block('01X', { attributes: { 'block.outcome': 'added' } })
    tracer().startSpan('comes late', {}, below(root)).setStatus(FAILED).end()
    await tracing.forceFlush()
    expect([stub.requests.length, tracing.dropped, root.spanContext().traceFlags]).toEqual([0, 0, 0])
  })

  it('always_off keeps nothing', async () => {
    const { stub, tracing } = setUp({ OTEL_TRACES_SAMPLER: 'always_off' })
    tracer().startSpan('block').setStatus(FAILED).end()
    await tracing.forceFlush()
    expect(stub.requests).toHaveLength(0)
  })
})

describe('a link', () => {
  it('leads to an exported span at 5 %: the run is kept for the sake of a block that is, and not linked to the others', async () => {
    const { stub, tracing } = setUp({ ...RATIO, OTEL_TRACES_SAMPLER_ARG: '0.05' })
    const run = tracer().startSpan('run')
    for (const id of ids.slice(0, 300)) {
      const first = block(id, { links: [{ context: run.spanContext() }] })
      const next = block(id, { links: [{ context: run.spanContext() }, { context: first.spanContext() }] })
      block(id, { links: [{ context: next.spanContext() }], attributes: { 'block.move': true } })
      if (id < (ids[100] ?? '')) run.addLink({ context: next.spanContext() })
    }
    run.end()
    await tracing.forceFlush()
    const spans = stub.spans()
    const exported = new Set(spans.map(span => span.spanId))
    const sampled = ids.slice(0, 300).filter(id => shareOf(id) < 0.05)
    expect(sampled.length).toBeGreaterThan(3)
    expect(spans.filter(span => span.name === 'block')).toHaveLength(300 + 2 * sampled.length)
    expect(spans.filter(span => span.name === 'run')).toHaveLength(1)
    const links = spans.flatMap(span => span.links)
    expect(links.length).toBeGreaterThan(4 * sampled.length)
    expect(links.filter(link => !exported.has(link.spanId))).toEqual([])
  })

  it('to another process leads to what is sampled there, by its flag', async () => {
    const { stub, tracing } = setUp()
    const remote = (spanId: string, traceFlags: number) => ({ traceId: '1'.repeat(32), spanId, traceFlags })
    const links = [remote('2'.repeat(16), 1), remote('3'.repeat(16), 0), remote('0'.repeat(16), 1)]
    tracer()
      .startSpan('block', { links: links.map(context => ({ context })) })
      .end()
    await tracing.forceFlush()
    expect(stub.spans()[0]?.links.map(link => link.spanId)).toEqual(['2'.repeat(16)])
  })
})

describe('a parent in another process', () => {
  const remote = (traceFlags: number) =>
    trace.setSpanContext(ROOT_CONTEXT, { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags, isRemote: true })

  it.each<[Record<string, string>, number, string[]]>([
    [NONE, 1, ['good', 'bad']],
    [NONE, 0, ['bad']],
    [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '1' }, 0, ['good', 'bad']],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, 1, ['good', 'bad']],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, 0, []],
    [{ OTEL_TRACES_SAMPLER: 'always_off' }, 1, []],
  ])('with %o and the flag %i leaves %j', async (env, flag, expected) => {
    const { stub, tracing } = setUp(env)
    tracer().startSpan('good', {}, remote(flag)).end()
    tracer().startSpan('bad', {}, remote(flag)).setStatus({ code: SpanStatusCode.ERROR }).end()
    await tracing.forceFlush()
    expect(stub.spans().map(span => span.name)).toEqual(expected)
    for (const span of stub.spans()) expect([span.traceId, span.parentSpanId]).toEqual(['1'.repeat(32), '2'.repeat(16)])
  })
})

describe('what is held until a root ends', () => {
  it('is bounded by OTEL_BSP_MAX_QUEUE_SIZE over all traces, and what had no room is counted', async () => {
    const lost: [number, LossReason][] = []
    const onLost = (spans: number, reason: LossReason) => void lost.push([spans, reason])
    const { stub, tracing } = setUp({ ...NONE, OTEL_BSP_MAX_QUEUE_SIZE: '10' }, { onLost })
    const roots = [tracer().startSpan('a'), tracer().startSpan('b')]
    for (const root of roots) for (let i = 0; i < 8; i++) tracer().startSpan(`${i}`, {}, below(root)).end()
    expect(lost).toEqual([])
    for (const root of roots) root.setStatus({ code: SpanStatusCode.ERROR }).end()
    await tracing.forceFlush()
    expect(lost).toEqual([
      [6, 'queue-full'],
      [1, 'queue-full'],
      [1, 'queue-full'],
    ])
    expect([stub.spans().length, tracing.dropped]).toEqual([10, 8])
  })

  it('makes room when its trace is let go of', async () => {
    const { stub, tracing } = setUp({ ...NONE, OTEL_BSP_MAX_QUEUE_SIZE: '10' })
    for (let n = 0; n < 5; n++) {
      const root = tracer().startSpan('a')
      for (let i = 0; i < 9; i++) tracer().startSpan(`${i}`, {}, below(root)).end()
      if (n === 4) root.setStatus({ code: SpanStatusCode.ERROR })
      root.end()
    }
    await tracing.forceFlush()
    expect([stub.spans().length, tracing.dropped]).toEqual([10, 0])
  })
})

it('the active span is found across await', async () => {
  const { stub, tracing } = setUp()
  await tracer().startActiveSpan('outer', async outer => {
    await Promise.resolve()
    tracer().startSpan('inner').end()
    outer.end()
  })
  tracer().startActiveSpan('root', { root: true }, below(tracer().startSpan('x')), span => span.end())
  await tracing.forceFlush()
  const [inner, outer, root] = stub.spans()
  expect([inner?.parentSpanId, root?.parentSpanId]).toEqual([outer?.spanId, undefined])
  expect(context.active()).toBe(ROOT_CONTEXT)
})

it('a time below that of the process is one of its own clock, and an end before the start is the start', async () => {
  const { stub, tracing } = setUp()
  const at = performance.now()
  tracer().startSpan('own clock', { startTime: at }).end(at)
  tracer().startSpan('ends early', { startTime: 1_700_000_000_000 }).end(1_600_000_000_000)
  await tracing.forceFlush()
  const [own, early] = stub.spans()
  expect(Math.abs(Number(own?.startTimeUnixNano) / 1e6 - Date.now())).toBeLessThan(3_600_000)
  expect(early?.endTimeUnixNano).toBe(early?.startTimeUnixNano)
})
