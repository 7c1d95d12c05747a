/** Spans of the steps of a store on a real Redis. */
import { SpanKind, trace } from '@opentelemetry/api'
import { type Spans, spans, testId } from 'blockgate/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RedisServer } from '../../../support/redis.ts'
import { joining, member, servers, stores } from './stores.ts'

let recorded: Spans
beforeEach(() => {
  recorded = spans()
})
afterEach(() => recorded.stop())

const inSpan = <T>(work: () => Promise<T>): Promise<T> =>
  trace.getTracer('test').startActiveSpan('outer', span => work().finally(() => span.end()))

const names = () => recorded.finished().map(({ name }) => name)
const tree = () => recorded.tree({ attributes: ['store.status', 'error.type', 'db.response.status_code'] })

describe('the spans of redisStore()', () => {
  const open = stores()
  const started = servers()
  let redis: RedisServer
  beforeEach(async () => {
    redis = await started()
  })

  it('are of kind CLIENT, and say the step, the server and the answer', async () => {
    const store = await open({ url: `redis://127.0.0.1:${redis.port}/0` })
    await store.join(joining('a'))
    const [span] = recorded.finished()
    expect([span?.name, span?.kind]).toEqual(['store.join', SpanKind.CLIENT])
    expect(span?.attributes).toEqual({
      'db.system.name': 'redis',
      'db.operation.name': 'EVALSHA',
      'db.stored_procedure.name': 'join',
      'db.namespace': '0',
      'server.address': '127.0.0.1',
      'server.port': redis.port,
      'store.status': 'joined',
    })
  })

  it('are made of what changes who has what, and not of polls, heartbeats and blocks', async () => {
    const store = await open({ url: redis.url })
    const [a, b] = [await member(store, 'a'), await member(store, 'b')]
    for (const each of [a, b]) await each.serves()
    await a.releases(['b'])
    await store.advertised('a')
    await store.heartbeats()
    await store.freeze(true)
    await a.releases(['b'])
    await store.leave(b.next())
    expect(tree().split('\n')).toEqual([
      'store.join store.status=joined',
      'store.join store.status=joined',
      'store.release store.status=ok',
      'store.freeze store.status=ok',
      'store.release store.status=frozen',
      'store.leave store.status=ok',
    ])
  })

  it('stand in the trace that is active, and alone where its span is over', async () => {
    const store = await open({ url: redis.url })
    let later = async () => {}
    await inSpan(async () => {
      await store.freeze(true)
      later = trace.getActiveSpan() ? () => store.freeze(false) : later
    })
    await trace.getTracer('test').startActiveSpan('over', async span => {
      span.end()
      await later()
    })
    expect(recorded.tree()).toBe('outer\n  store.freeze\nover\nstore.freeze')
  })

  it('tell a heartbeat that the store does not take', async () => {
    const store = await open({ url: redis.url })
    const a = await member(store, 'a')
    await redis.command('FLUSHALL')
    recorded.reset()
    await store.heartbeat(a.next(), { storeId: '', stats: undefined, seen: 0 })
    expect(tree()).toBe('store.heartbeat store.status=missing')
  })

  it('tell of an outage the first failure, and what fails inside of a trace', async () => {
    const store = await open({ url: redis.url, commandTimeout: '2m' })
    const a = await member(store, 'a')
    await redis.stop()
    recorded.reset()
    const fails = (work: Promise<unknown>) => expect(work).rejects.toThrow('ownership-unavailable')
    for (let i = 0; i < 5; i++) {
      await fails(store.heartbeat(a.next(), { storeId: '', stats: undefined, seen: 0 }))
      await fails(store.heartbeats())
      await fails(store.join(joining('b')))
    }
    expect(names()).toEqual(['store.heartbeat'])
    await inSpan(() => fails(a.releases(['b']).catch(() => store.freeze(true))))
    expect(names()).toEqual(['store.heartbeat', 'store.freeze', 'outer'])
    const [first, second] = recorded.finished()
    expect(second?.attributes).toMatchObject({
      // Whether a try to connect again was refused already is a matter of luck.
      'error.type': expect.stringMatching(/^(ECONNREFUSED|disconnected)$/),
      'server.port': redis.port,
    })
    expect(first?.events.map(({ name }) => name)).toEqual(['exception'])
  })

  it('tell what Redis refuses by its word, without what must stay secret', async () => {
    const secret = await started({ args: ['--requirepass', 'right'], admin: { password: 'right' } })
    const store = await open({ url: `redis://:c4n-t@127.0.0.1:${secret.port}` })
    await expect(store.freeze(true)).rejects.toThrow('ownership-unavailable')
    const full = await open({ url: redis.url })
    await redis.command('SET', 'blockgate:{test}:meta', 'a text')
    await expect(
      full.serve({ id: 'a', incarnation: 1, sequence: 1 }, { added: [testId(1)], dropped: [] }),
    ).rejects.toThrow()
    const told = JSON.stringify(
      recorded.finished().map(({ attributes, events, status }) => [attributes, events, status]),
    )
    expect(told).not.toMatch(/c4n/)
    expect(recorded.finished().at(-1)?.attributes).toMatchObject({
      'error.type': expect.stringMatching(/^[A-Z]+$/),
      'db.response.status_code': expect.stringMatching(/^[A-Z]+$/),
    })
  })
})
