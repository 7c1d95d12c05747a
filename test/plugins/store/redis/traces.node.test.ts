/** Traces that members tell each other, kept by redisStore() and by memoryStore(): anybody may have written them. */
import type { SlotStore } from 'blockgate/members'
import { memoryStore } from 'blockgate/plugins/store/memory'
import { fakeHost, services, testId } from 'blockgate/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import type { RedisServer } from '../../../support/redis.ts'
import { joining, member, servers, stores } from './stores.ts'

const traceparent = (n: number) => `00-${String(n).repeat(32)}-${String(n).repeat(16)}-01`
const BROKEN = [
  '',
  'x',
  'null',
  traceparent(0),
  `${traceparent(1)}0`,
  traceparent(1).replace('00-', '01-'),
  traceparent(1).replace('1-01', 'G-01'),
  traceparent(1).slice(0, -1),
  ` ${traceparent(1)}`,
  `${traceparent(1)}\n`,
]
const LIMIT = { max: 9, windowMs: 1 }

const open = stores()
const started = servers()
let redis: RedisServer
const kinds: Readonly<Record<string, () => Promise<SlotStore>>> = {
  async redisStore() {
    redis = await started()
    return open({ url: redis.url })
  },
  async memoryStore() {
    const store = memoryStore()
    await store.start?.(services({ host: fakeHost() }))
    return store
  },
}

describe.each(Object.entries(kinds))('%s', (_, make) => {
  let store: SlotStore
  beforeEach(async () => {
    store = await make()
  })
  const traceOf = async (id: string) => (await store.entries()).members.get(id)?.trace

  it('keeps the trace of the last change of each entry, and of no other', async () => {
    const reply = await store.join(joining('a', { trace: traceparent(1) }))
    expect(await traceOf('a')).toBe(traceparent(1))
    await store.drain('a', true, traceparent(2))
    expect(await traceOf('a')).toBe(traceparent(2))
    // By a member that traces nothing.
    await store.drain('a', false)
    expect(await traceOf('a')).toBeUndefined()
    const incarnation = reply.status === 'joined' ? reply.incarnation : 0
    expect(await store.expire('a', { incarnation, sequence: 1 }, LIMIT, 'b', traceparent(3))).toBe('expired')
    expect(await traceOf('a')).toBe(traceparent(3))
    const changed = (await store.entries()).members.get('a')?.changed ?? 0
    expect(await store.evict('a', changed, traceparent(4))).toBe(true)
    expect(await traceOf('a')).toBe(traceparent(4))
    const b = await member(store, 'b')
    expect(await store.leave(b.next(), traceparent(5))).toBe('ok')
    expect(await traceOf('b')).toBe(traceparent(5))
  })

  it.each(BROKEN)('drops %j without a word: the entry counts, and the block is told', async text => {
    await store.join(joining('a', { trace: text }))
    const { members, broken } = await store.entries()
    expect([members.get('a')?.id, members.get('a')?.trace, broken]).toEqual(['a', undefined, 0])
    const told = new Map([
      [testId(1), text],
      [testId(2), traceparent(2)],
    ])
    await store.tellTraces?.(told)
    expect(await store.traces?.([testId(1), testId(2), testId(3)])).toEqual(new Map([[testId(2), traceparent(2)]]))
  })

  it('keeps the last trace of a block', async () => {
    for (const n of [1, 2]) await store.tellTraces?.(new Map([[testId(1), traceparent(n)]]))
    expect(await store.traces?.([testId(1)])).toEqual(new Map([[testId(1), traceparent(2)]]))
    expect(await store.traces?.([])).toEqual(new Map())
  })
})

it('redisStore() forgets traces an hour after the last one, and reads none that somebody broke', async () => {
  const store = await (kinds.redisStore as () => Promise<SlotStore>)()
  await store.tellTraces?.(new Map([[testId(1), traceparent(1)]]))
  expect(Number(await redis.command('TTL', 'blockgate:{test}:traces'))).toBeGreaterThan(3_000)
  for (const text of BROKEN) {
    await redis.command('HSET', 'blockgate:{test}:traces', testId(1), text)
    expect(await store.traces?.([testId(1)])).toEqual(new Map())
  }
})
