// Where the time of a query went: its spans, its numbers, and its line in the log.
import { SpanKind } from '@opentelemetry/api'
import { spans } from 'blockgate/testing'
import { expect, it, onTestFinished } from 'vitest'
import { numberOf } from '../support/world.ts'
import { type QueryWorld, type QueryWorldOptions, queryGateway } from './query-world.ts'
import type { Given } from './sink-of.ts'

const BLOCKS = 20
const block = (i: number): Given => ({
  labels: { i: String(i) },
  series: [[{ __name__: 'up' }, [[5, i]]] as const],
})

/** A gateway of whose blocks the reads take 1 ms, 2 ms and so on, the later ones longer; recorded from the first query on. */
async function traced(options: Partial<QueryWorldOptions> = {}) {
  const made = await queryGateway({ blocks: Array.from({ length: BLOCKS }, (_, i) => block(i)), ...options })
  made.state.before = async id => {
    await new Promise<void>(resolve => void made.host.setTimer(numberOf(id as never), resolve))
  }
  const recorded = spans()
  onTestFinished(() => recorded.stop())
  return { ...made, recorded }
}

/** The answer of a query for which time passes. */
async function over({ host, ended }: QueryWorld, asked: Promise<Response>): Promise<Response> {
  void asked.catch(() => {})
  const before = ended.length
  for (let i = 0; i < 100 && ended.length === before; i++) await host.advance(20)
  return await asked
}

const msOf = ({ duration: [seconds, nanos] }: { readonly duration: readonly [number, number] }) =>
  seconds * 1000 + nanos / 1e6

it.each([0, 1])(
  'a query of many blocks has few spans: the slowest blocks have their own (accepted type %s)',
  async type => {
    const made = await traced()
    const response = await over(made, made.read(undefined, { accepted: [type] }))
    await response.arrayBuffer()
    const tree = made.recorded.tree({ attributes: ['block.id', 'query.blocks', 'query.outcome'] }).split('\n')
    expect(tree.length).toBeLessThanOrEqual(50)
    expect(tree[0]).toBe('query.read query.blocks=20 query.outcome=ok')
    const shown = (n: number) => [
      `  query.block block.id=${[...made.sink.loaded().keys()].sort()[n - 1]}`,
      '    query.block.header',
      '    query.block.postings',
      '    query.block.series',
      '    query.block.chunks',
    ]
    const slowest = Array.from({ length: 8 }, (_, i) => BLOCKS - i)
    expect(tree.filter(line => !line.includes('query.phase.'))).toEqual([
      'query.read query.blocks=20 query.outcome=ok',
      ...slowest.flatMap(shown),
      '  query.blocks query.blocks=12',
    ])
  },
)

it('its phases explain its time', async () => {
  const made = await traced()
  await over(made, made.read())
  const finished = made.recorded.finished()
  const root = finished.find(({ name }) => name === 'query.read')
  const phases = finished.filter(({ name }) => name.startsWith('query.phase.'))
  expect(phases.map(({ name }) => name.slice('query.phase.'.length))).toEqual([
    'queue',
    'request',
    'select',
    'chunks',
    'write',
  ])
  const wall = root ? msOf(root) : 0
  expect(wall).toBeGreaterThan(BLOCKS)
  expect(phases.reduce((sum, phase) => sum + msOf(phase), 0)).toBeGreaterThanOrEqual(0.95 * wall)
  const busy = phases.reduce((sum, { attributes }) => sum + Number(attributes['query.busy_ms']), 0)
  expect(busy).toBeGreaterThanOrEqual(0.95 * wall)
  // Each step of a block is its reads: the header takes several.
  const steps = finished.filter(({ name }) => name === 'query.block.series').map(msOf)
  expect(steps).toEqual(Array.from({ length: 8 }, (_, i) => BLOCKS - i))
})

it('a phase that comes again and again is one span, with its time without breaks', async () => {
  const series = Array.from({ length: 2_500 }, (_, i) => [{ __name__: 'up', i: String(i) }, [[5, i]]] as const)
  const made = await traced({ blocks: [{ series }] })
  const response = await over(made, made.read())
  await response.arrayBuffer()
  const phases = made.recorded.finished().filter(({ name }) => name.startsWith('query.phase.'))
  expect(phases).toHaveLength(5)
  const busy = (name: string) => phases.find(span => span.name === `query.phase.${name}`)?.attributes['query.busy_ms']
  // Three batches of one read of a millisecond each; then the index-header, the postings and the series.
  expect([busy('chunks'), busy('write')]).toEqual([3, 0])
})

it('its time in the queue is a phase, and the time of a slow client', async () => {
  const made = await traced({ serve: { limits: { concurrent: 1 } } })
  made.state.before = undefined
  const first = await made.read(undefined, { accepted: [1] })
  const second = made.read()
  await made.host.advance(7_000)
  await first.arrayBuffer()
  await second
  const phase = (name: string) =>
    made.recorded
      .finished()
      .filter(span => span.name === `query.phase.${name}`)
      .map(msOf)
  expect([phase('write'), phase('queue')]).toEqual([
    [7_000, 0],
    [0, 7_000],
  ])
})

it('has its counts, and what was told to the metrics is the same', async () => {
  const made = await traced()
  await over(made, made.read())
  const root = made.recorded.finished().find(({ name }) => name === 'query.read')
  const [told] = made.ended
  expect(root?.attributes).toEqual({
    'query.api': 'read',
    'query.outcome': 'ok',
    'query.blocks': BLOCKS,
    'query.series': BLOCKS,
    'query.chunks': BLOCKS,
    'query.samples': BLOCKS,
    'query.bytes': told?.bytes,
    'query.cache.hits': 0,
    'query.cache.bytes': 0,
    'query.warnings': 0,
  })
  expect(told).toMatchObject({ series: BLOCKS, chunks: BLOCKS, samples: BLOCKS, ms: root && msOf(root) })
  expect(told?.bytes).toBeGreaterThan(0)
})

it('that is refused, or fails, is marked, and nothing is left open', async () => {
  const made = await traced({ serve: { limits: { series: 5 } } })
  await over(made, made.read())
  const [first = ''] = made.recorded.tree({ attributes: ['query.outcome', 'error.type'] }).split('\n')
  expect(first).toBe('query.read query.outcome=refused error.type=query-too-large !error')
  expect(made.recorded.tree()).not.toContain('(never ended)')
})

it('that is slow has a line in the log, with its trace', async () => {
  const made = await traced({ serve: { slow: '10ms' } })
  await over(made, made.read([[2, '__name__', 'up|"down"']]))
  const [root] = made.recorded.finished().filter(({ name }) => name === 'query.read')
  // The exemplar of its duration.
  expect(made.ended[0]?.span).toEqual(root?.spanContext())
  const lines = made.host.lines.filter(({ message }) => message === 'a slow query')
  expect(lines).toEqual([
    {
      level: 'warn',
      message: 'a slow query',
      fields: {
        ms: root && msOf(root),
        api: 'read',
        outcome: 'ok',
        trace_id: root?.spanContext().traceId,
        span_id: root?.spanContext().spanId,
        series: BLOCKS,
        chunks: BLOCKS,
        samples: BLOCKS,
        bytes: made.ended[0]?.bytes,
        blocks: BLOCKS,
        query: '{__name__=~"up|\\"down\\""}',
        from: 0,
        to: 1_000_000_000_000,
      },
    },
  ])
})

it('that is not slow has none', async () => {
  const made = await traced()
  await over(made, made.read())
  expect(made.host.lines.filter(({ message }) => message === 'a slow query')).toEqual([])
})

it('goes on in the trace of who asks, by remote read as by a label API, and reads of the bucket make no spans of it', async () => {
  const made = await traced()
  const [trace, span] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331']
  const headers = { traceparent: `00-${trace}-${span}-01` }
  await (await over(made, made.read(undefined, { headers }))).arrayBuffer()
  const labels = async (init: RequestInit) => await made.app.request('/api/v1/labels', init)
  await over(made, labels({ headers }))
  await over(made, labels({ headers: { traceparent: `${headers.traceparent}x` } }))
  const finished = made.recorded.finished()
  const queries = finished.filter(({ kind }) => kind === SpanKind.SERVER)
  expect(queries.map(({ name, parentSpanContext }) => [name, parentSpanContext?.spanId])).toEqual([
    ['query.read', span],
    ['query.labels', span],
    ['query.labels', undefined],
  ])
  expect(new Set(finished.slice(0, 10).map(each => each.spanContext().traceId))).toEqual(new Set([trace]))
  expect(finished.filter(({ name }) => name.startsWith('bucket.'))).toEqual([])
})
