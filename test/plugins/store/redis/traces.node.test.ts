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
  const told = async () => {
    const { cause, trace } = await store.entries()
    return [cause, trace]
  }

  it('keeps the trace of the last change of the epoch, whatever it was, and of no other', async () => {
    const reply = await store.join(joining('a', { trace: traceparent(1) }))
    expect(await told()).toEqual(['a joined', traceparent(1)])
    await store.drain('a', true, traceparent(2))
    expect(await told()).toEqual(['a leaving', traceparent(2)])
    // By a member that traces nothing.
    await store.drain('a', false)
    expect(await told()).toEqual(['a active again', undefined])
    const incarnation = reply.status === 'joined' ? reply.incarnation : 0
    expect(await store.expire('a', { incarnation, sequence: 1 }, LIMIT, 'b', traceparent(3))).toBe('expired')
    expect(await told()).toEqual(['a down: no heartbeat seen by b', traceparent(3)])
    const changed = async () => (await store.entries()).members.get('a')?.changed ?? 0
    expect(await store.evict('a', await changed(), traceparent(4))).toBe(true)
    expect(await told()).toEqual(['a evicted: its grace is over', traceparent(4)])
    expect(await store.forget('a', await changed(), traceparent(5))).toBe(true)
    expect(await told()).toEqual(['a forgotten', traceparent(5)])
    const b = await member(store, 'b')
    for (const on of [true, false]) {
      await store.freeze(on, traceparent(on ? 6 : 7))
      expect(await told()).toEqual(on ? ['frozen', traceparent(6)] : ['thawed', traceparent(7)])
    }
    const { epoch } = await store.entries()
    await store.heartbeat(b.next(), { storeId: '', stats: undefined, seen: epoch + 1e9 })
    expect(await told()).toEqual(['b has seen a later epoch', undefined])
    expect(await store.leave(b.next(), traceparent(8))).toBe('ok')
    expect(await told()).toEqual(['b down: stopped', traceparent(8)])
  })

  it.each(BROKEN)('drops %j without a word: the change counts, and the block is told', async text => {
    await store.join(joining('a', { trace: text }))
    const { members, trace, broken } = await store.entries()
    expect([members.get('a')?.id, trace, broken]).toEqual(['a', undefined, 0])
    const all = new Map([
      [testId(1), text],
      [testId(2), traceparent(2)],
    ])
    await store.tellTraces?.(all)
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
