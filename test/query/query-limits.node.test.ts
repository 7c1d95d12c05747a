// What queries may take, and what becomes of those that would take more: each limit with its answer, its metric and its key.
import { fakeHost } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import type { ServeLimits } from '../../src/config/serve.ts'
import { gate, type QueryWorld, queryGateway } from './query-world.ts'
import type { Given } from './sink-of.ts'

const NAME = { __name__: 'up' }
/** Nine series of ten samples, each in one chunk. */
const nine = (labels: Record<string, string> = {}): Given => ({
  labels,
  series: Array.from({ length: 9 }, (_, i) => [
    { ...NAME, i: String(i) },
    Array.from({ length: 10 }, (_, j) => [j * 1000, j] as const),
  ]),
})

async function told(response: Response) {
  const { error } = (await response.json()) as { error: { code: string; message: string } }
  return { status: response.status, retryAfter: response.headers.get('retry-after'), ...error }
}

const world = (limits: ServeLimits, blocks = [nine()]) => queryGateway({ blocks, serve: { limits } })

/** Nothing of a query that has ended goes on. */
function expectIdle({ state, gauges }: QueryWorld) {
  expect([state.open, gauges.running(), gauges.queued(), gauges.memory()]).toEqual([0, 0, 0, 0])
}

describe.each([
  ['series', { series: 8 }, 'at most 8 series (serve.limits.series): it takes 9'],
  ['chunks', { chunks: 8 }, 'at most 8 chunks (serve.limits.chunks): it takes 9'],
  ['samples', { samples: 89 }, 'at most 89 samples (serve.limits.samples): it takes 90'],
  ['bytes', { bytes: 100 }, 'at most 100 bytes (serve.limits.bytes): it takes '],
] as const)('a query of more %s than it may take', (limit, limits, message) => {
  it('is refused with 422, and counted by the key of the limit', async () => {
    const made = await world(limits)
    expect(await told(await made.read())).toMatchObject({
      status: 422,
      code: 'query-too-large',
      message: expect.stringContaining(message),
      retryAfter: null,
    })
    expect(made.ended).toEqual([expect.objectContaining({ api: 'read', outcome: 'refused', limit })])
    expectIdle(made)
  })

  it('makes no read after the refusal, of no block', async () => {
    const blocks = Array.from({ length: 20 }, (_, i) => nine({ i: String(i) }))
    const made = await world(limits, blocks)
    const { state } = made
    let refusedAt: number | undefined
    let after = 0
    state.before = async (_, __, signal) => {
      if (signal.aborted) refusedAt ??= state.reads
      if (refusedAt !== undefined) after++
      // Some blocks are asked later than others.
      for (let turns = state.reads % 7; turns > 0; turns--) await undefined
    }
    expect((await made.read()).status).toBe(422)
    const reads = state.reads
    await made.host.advance(60_000)
    expect([after, state.reads]).toEqual([0, reads])
    expectIdle(made)
  })
})

/** An index without a header: its start and its TOC are read first, side by side, and each read is aborted. */
const BOTH_ENDS = [true, true]

it('what reads beside the part that refuses ends with it', async () => {
  const made = await world({ series: 17 }, [nine({ i: '0' }), nine({ i: '1' }), nine({ i: '2' })])
  const waiting: AbortSignal[] = []
  // Of the third block nothing comes: only the refusal ends its read.
  const third = [...made.sink.loaded().keys()].sort()[2]
  made.state.before = async (id, _, signal) => {
    if (id !== third) return
    waiting.push(signal)
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
  }
  expect((await made.read()).status).toBe(422)
  expect(waiting.map(({ aborted }) => aborted)).toEqual(BOTH_ENDS)
  expectIdle(made)
})

describe('queries that run at once', () => {
  it('wait for their turn, and one more is answered 429, to try again', async () => {
    const made = await world({ concurrent: 1, queued: 1 })
    const { open, reached } = gate(made.state)
    const first = made.read()
    await reached(1)
    const second = made.read()
    await made.host.advance(0)
    expect([made.gauges.running(), made.gauges.queued()]).toEqual([1, 1])
    const third = await told(await made.read())
    expect(third).toMatchObject({ status: 429, code: 'too-many-queries', retryAfter: '5' })
    expect(third.message).toContain('at most 1 queries are answered at once (serve.limits.concurrent)')
    expect(made.ended).toEqual([expect.objectContaining({ outcome: 'refused', limit: 'queued' })])
    open()
    expect([(await first).status, (await second).status]).toEqual([200, 200])
    expect(made.ended.map(({ outcome }) => outcome)).toEqual(['refused', 'ok', 'ok'])
    expectIdle(made)
  })

  it('one whose client goes while it waits leaves its place in the queue', async () => {
    const made = await world({ concurrent: 1, queued: 1 })
    const { open, reached } = gate(made.state)
    const first = made.read()
    await reached(1)
    const gone = new AbortController()
    const second = made.read(undefined, { signal: gone.signal })
    await made.host.advance(0)
    gone.abort()
    await made.over(1)
    expect(made.ended).toEqual([expect.objectContaining({ outcome: 'aborted', limit: undefined })])
    const third = made.read()
    await made.host.advance(0)
    open()
    expect([(await first).status, (await third).status]).toEqual([200, 200])
    await second.catch(() => {})
    expectIdle(made)
  })

  it('that of a label API has its place in the same queue, and says so in the words of Prometheus', async () => {
    const made = await world({ concurrent: 1, queued: 0 })
    const { open, reached } = gate(made.state)
    const first = made.read()
    await reached(1)
    const answer = await made.app.request('/api/v1/labels')
    expect([answer.status, answer.headers.get('retry-after'), await answer.json()]).toEqual([
      429,
      '5',
      { status: 'error', errorType: 'unavailable', error: expect.stringContaining('serve.limits.queued') },
    ])
    open()
    await first
    expect(made.ended.map(({ api, outcome }) => `${api} ${outcome}`)).toEqual(['labels refused', 'read ok'])
  })
})

describe('a query that takes too long', () => {
  it('is answered 503, and its reads end', async () => {
    const made = await world({ duration: '3s' })
    const { reached, signals } = gate(made.state)
    const first = made.read()
    await reached(1)
    await made.host.advance(2_999)
    expect(made.ended).toEqual([])
    await made.host.advance(1)
    expect(await told(await first)).toMatchObject({
      status: 503,
      code: 'query-timeout',
      message: expect.stringContaining('at most 3 s (serve.limits.duration)'),
    })
    expect(signals.map(({ aborted }) => aborted)).toEqual(BOTH_ENDS)
    expect(made.ended).toEqual([expect.objectContaining({ outcome: 'refused', limit: 'duration' })])
    expectIdle(made)
  })

  it('counts its time in the queue', async () => {
    const made = await world({ concurrent: 1, duration: '3s' })
    const { open, reached } = gate(made.state)
    const first = made.read()
    await reached(1)
    await made.host.advance(2_000)
    const second = made.read()
    await made.host.advance(1_000)
    expect((await first).status).toBe(503)
    // The second one runs since then.
    await made.host.advance(2_000)
    expect((await told(await second)).code).toBe('query-timeout')
    open()
    expectIdle(made)
  })

  it('its stream breaks off, also where its client takes nothing more', async () => {
    const made = await world({ duration: '3s' })
    const response = await made.read(undefined, { accepted: [1] })
    expect(response.status).toBe(200)
    await made.host.advance(3_000)
    await expect(response.arrayBuffer()).rejects.toThrow('at most 3 s')
    expectIdle(made)
  })

  it('and one whose request never arrives whole does not keep its place', async () => {
    const made = await world({ duration: '3s' })
    const asked = ['read', 'series'].map(async api => {
      const body = new ReadableStream<Uint8Array>({ pull: () => new Promise<void>(() => {}) })
      return await made.app.request(`/api/v1/${api}`, { method: 'POST', body, duplex: 'half' } as RequestInit)
    })
    await made.host.advance(3_000)
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([503, 503])
    expectIdle(made)
  })
})

describe('the memory of all queries', () => {
  it('is full: a query is refused as one that may try again', async () => {
    const { gauges, read, state } = await world({})
    // What one query holds before it reads its chunks.
    let most = 0
    state.before = () => {
      most = Math.max(most, gauges.memory())
    }
    await read()
    const made = await world({ memory: Math.ceil(1.5 * most) })
    const { open, reached } = gate(made.state)
    // The header is read, then the postings: the first query holds these.
    const first = made.read()
    await reached(1)
    open()
    expect((await first).status).toBe(200)
    let held: Promise<Response> | undefined
    let inside: Response | undefined
    made.state.before = async () => {
      if (made.gauges.memory() < most || held) return
      held = made.read()
      inside = await held
    }
    expect((await made.read()).status).toBe(200)
    expect(await told(inside as Response)).toMatchObject({
      status: 503,
      code: 'out-of-memory',
      retryAfter: '5',
      message: expect.stringContaining('(serve.limits.memory): they hold '),
    })
    expect(made.ended.map(({ outcome, limit }) => [outcome, limit])).toEqual([
      ['ok', undefined],
      ['refused', 'memory'],
      ['ok', undefined],
    ])
    expectIdle(made)
  })

  it('has the answer while it is made: chunks of a few bytes may have many samples', async () => {
    const series = Array.from({ length: 9 }, (_, i) => {
      const samples = Array.from({ length: 20_000 }, (_, j) => [j * 1000, 1] as const)
      return [{ ...NAME, i: String(i) }, samples] as const
    })
    const made = await queryGateway({ blocks: [{ series }], serve: { limits: { memory: 1_500_000 } } })
    expect(await told(await made.read())).toMatchObject({ status: 422, message: expect.stringContaining('.memory') })
    // A stream of the chunks as they are stored is no more than these, and the two buffers that it is written into.
    const stream = await made.read(undefined, { accepted: [1] })
    expect(stream.status).toBe(200)
    expect(made.gauges.memory()).toBeGreaterThan(2 * 512 * 1024)
    await stream.arrayBuffer()
    expectIdle(made)
  })

  it('has no more than one batch of the chunks of a query', async () => {
    const series = Array.from({ length: 4_000 }, (_, i) => {
      const samples = Array.from({ length: 60 }, (_, j) => [j, Math.sin(i * j)] as const)
      return [{ ...NAME, i: String(1000 + i) }, samples] as const
    })
    const made = await queryGateway({ blocks: [{ series }] })
    const held: number[] = []
    made.state.before = (_, file) => {
      if (file.startsWith('chunks')) held.push(made.gauges.memory())
    }
    await (await made.read(undefined, { accepted: [1] })).arrayBuffer()
    expect(held).toHaveLength(4)
    expect(Math.max(...held)).toBeLessThan(1.3 * Math.min(...held))
    expectIdle(made)
  })

  it('is too small for one query alone: another try would not help', async () => {
    const made = await world({ memory: 10 })
    expect(await told(await made.read())).toMatchObject({
      status: 422,
      code: 'query-too-large',
      message: expect.stringContaining('this one alone needs'),
    })
    expectIdle(made)
  })

  it('has the answer, too: until its client has taken it', async () => {
    const series = Array.from({ length: 60 }, (_, i) => {
      const samples = Array.from({ length: 6_000 }, (_, j) => [j * 1000 + i, Math.sin(i * j)] as const)
      return [{ ...NAME, i: String(i) }, samples] as const
    })
    const made = await queryGateway({ blocks: [{ series }] })
    const response = await made.read()
    const size = Number(response.headers.get('content-length'))
    expect(size).toBeGreaterThan(1024 * 1024)
    expect([made.gauges.memory(), made.gauges.running(), made.ended]).toEqual([size, 1, []])
    expect((await response.arrayBuffer()).byteLength).toBe(size)
    expectIdle(made)
    expect(made.ended).toEqual([expect.objectContaining({ outcome: 'ok', samples: 360_000 })])
  })
})

describe('a client that goes', () => {
  it.each([0, 1])('ends the reads of its query (accepted type %s)', async type => {
    const made = await world({})
    const { reached, signals } = gate(made.state)
    const gone = new AbortController()
    const asked = made.read(undefined, { accepted: [type], signal: gone.signal }).catch(() => {})
    await reached(1)
    gone.abort()
    await made.over(1)
    await asked
    expect(signals.map(({ aborted }) => aborted)).toEqual(BOTH_ENDS)
    expect(made.ended).toEqual([expect.objectContaining({ outcome: 'aborted', limit: undefined })])
    expectIdle(made)
  })

  it('ends its stream', async () => {
    const made = await world({})
    const response = await made.read(undefined, { accepted: [1] })
    await response.body?.cancel()
    expect(made.ended).toEqual([expect.objectContaining({ outcome: 'aborted' })])
    expectIdle(made)
  })
})

it.each([0, 1])('a long query lets others have their turn (accepted type %s)', async type => {
  const host = fakeHost()
  let turns = 0
  host.nextTurn = async () => {
    turns++
  }
  // More than one slice of series to decode, and of series to answer.
  const series = Array.from({ length: 5_000 }, (_, i) => [{ ...NAME, i: String(10_000 + i) }, [[1, i]]] as const)
  const made = await queryGateway({ blocks: [{ series }], host })
  turns = 0
  let decoded: number | undefined
  made.state.before = (_, file) => {
    if (file.startsWith('chunks')) decoded ??= turns
  }
  await (await made.read(undefined, { accepted: [type] })).arrayBuffer()
  expect(decoded).toBeGreaterThanOrEqual(1)
  expect(turns).toBeGreaterThanOrEqual(5_000 / 128)
})

it('a query within its limits is answered, what it took is told, and no timer stays', async () => {
  const made = await world({})
  const timers = made.host.pendingTimers
  expect((await made.read()).status).toBe(200)
  expect(made.host.pendingTimers).toBe(timers)
  expect(made.ended).toEqual([
    expect.objectContaining({ outcome: 'ok', series: 9, chunks: 9, samples: 90, limit: undefined, warnings: [] }),
  ])
  expect(made.ended[0]?.bytes).toBeGreaterThan(0)
})
