import { testId } from 'blockgate/testing'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { PATIENCE } from '../../../support/patience.ts'
import type { RedisServer } from '../../../support/redis.ts'
import { tcpSwitch } from '../../../support/tcp-switch.ts'
import { joining, member, servers, stores } from './stores.ts'

const UNAVAILABLE = { name: 'OwnershipUnavailable', code: 'ownership-unavailable' }
const META = 'blockgate:{test}:meta'

describe('redisStore() after Redis lost something', () => {
  const open = stores()
  const started = servers()
  let redis: RedisServer
  beforeEach(async () => {
    redis = await started()
  })

  it('has another store id and a larger epoch when Redis was restarted empty', async () => {
    const store = await open({ url: redis.url })
    const a = await member(store, 'a')
    const before = await store.entries()
    await redis.restartEmpty()
    const after = await vi.waitFor(() => store.entries(), PATIENCE)
    expect(after).toMatchObject({ epoch: 0, members: new Map() })
    expect(after.storeId).not.toBe(before.storeId)
    await expect(store.heartbeat(a.next(), { storeId: '', stats: undefined, seen: 0 })).resolves.toMatchObject({
      status: 'missing',
    })
    const again = await store.join(joining('a', { incarnation: a.incarnation, sequence: 9, seen: before.epoch }))
    expect(again).toMatchObject({ status: 'joined', incarnation: a.incarnation, storeId: after.storeId })
    expect((await store.entries()).epoch).toBeGreaterThan(before.epoch)
  })

  it('gives fences, and versions of slots, that are larger than the lost ones when Redis was restarted empty', async () => {
    const store = await open({ url: redis.url })
    const [a, b] = [await member(store, 'a'), await member(store, 'b')]
    const [mine, theirs] = [await store.fence(), await store.fence()]
    await store.hold(b.next(), { ranks: [{ slot: 2, rank: 0 }], fence: mine, give: false })
    await store.hold(a.next(), { ranks: [{ slot: 1, rank: 0 }], fence: theirs, give: false })
    const before = await store.slots(undefined)
    await redis.restartEmpty()
    const after = await vi.waitFor(() => store.slots(before?.mark), PATIENCE)
    expect(after).toEqual({ version: 0, mark: '0', whole: true, slots: [], broken: 0 })
    const again = await member(store, 'a')
    expect(await store.hold(again.next(), { ranks: [{ slot: 1, rank: 0 }], fence: theirs, give: false })).toMatchObject(
      { status: 'ok' },
    )
    expect((await store.slots(before?.mark))?.slots).toHaveLength(1)
    expect(await store.fence()).toBeGreaterThan(theirs)
  })

  it('tells everything after a failover to whoever knows what it has lost, whatever was recorded since', async () => {
    await using follower = await redis.replica()
    await using line = await tcpSwitch(redis.port)
    const store = await open({ url: `redis://127.0.0.1:${line.port}` })
    const a = await member(store, 'a')
    const held = async (slot: number) => {
      const request = { ranks: [{ slot, rank: 0 }], fence: await store.fence(), give: false }
      return await store.hold(a.next(), request)
    }
    await held(1)
    const kept = await store.slots(undefined)
    await replicated(redis)
    // It follows no more, and takes the other one's place later.
    await follower.command('REPLICAOF', 'NO', 'ONE')
    await held(2)
    const lost = await store.slots(kept?.mark)
    expect(lost).toMatchObject({ whole: false, slots: [{ slot: 2 }] })
    line.to(follower.port)
    await vi.waitFor(() => held(3), PATIENCE)
    expect(await store.slots(lost?.mark)).toMatchObject({ whole: true, slots: [{ slot: 1 }, { slot: 3 }] })
    expect(await store.slots(kept?.mark)).toMatchObject({ whole: false, slots: [{ slot: 3 }] })
  })

  it('gives fences past an epoch that is ahead of the clock, and keeps all their digits', async () => {
    const store = await open({ url: redis.url })
    const a = await member(store, 'a', { seen: 2 ** 52 })
    expect([await store.fence(), await store.fence()]).toEqual([2 ** 52 + 2, 2 ** 52 + 3])
    await store.hold(a.next(), { ranks: [{ slot: 1, rank: 0 }], fence: 2 ** 52 + 3, give: false })
    expect(await redis.command('HGET', 'blockgate:{test}:slots', '1/0')).toBe('4503599627370499 a')
    expect(await redis.command('HMGET', META, 'fence', 'slots')).toEqual(['4503599627370499', '4503599627370499'])
    expect((await store.slots(undefined))?.version).toBe(2 ** 52 + 3)
    expect((await store.entries()).epoch).toBe(2 ** 52 + 1)
  })

  it('goes past an epoch that a member has seen, and keeps all its digits', async () => {
    const store = await open({ url: redis.url })
    const seen = 2 ** 52
    await expect(store.join(joining('a', { seen }))).resolves.toMatchObject({
      incarnation: seen + 1,
      epoch: seen + 1,
    })
    expect((await store.entries()).members.get('a')).toMatchObject({ incarnation: seen + 1, changed: seen + 1 })
    await store.freeze(true)
    expect((await store.entries()).epoch).toBe(seen + 2)
    expect(await redis.command('HGET', META, 'epoch')).toBe('4503599627370498')
  })

  it('keeps its store id while the same Redis keeps answering, and gets another after FLUSHALL', async () => {
    const store = await open({ url: redis.url })
    const { storeId } = await member(store, 'a')
    expect((await store.heartbeats()).storeId).toBe(storeId)
    expect((await store.entries()).storeId).toBe(storeId)
    await redis.command('FLUSHALL')
    expect((await store.entries()).storeId).not.toBe(storeId)
  })

  it('has another store id after each failover, also after the one back, and releases nothing for what was advertised before', async () => {
    await using follower = await redis.replica()
    await using line = await tcpSwitch(redis.port)
    const store = await open({ url: `redis://127.0.0.1:${line.port}` })
    const [a, b] = [await member(store, 'a'), await member(store, 'b')]
    const both = async (storeId: string) => {
      for (const each of [a, b]) await each.serves(storeId)
    }
    const release = () => a.releases(['b'])
    await both(a.storeId)
    await replicated(redis)
    await follower.command('REPLICAOF', 'NO', 'ONE')
    line.to(follower.port)
    const second = (await vi.waitFor(() => store.entries(), PATIENCE)).storeId
    expect(second).not.toBe(a.storeId)
    expect(await release()).toEqual([])
    await both(second)
    // Back to the first one, whose run_id is the one of before.
    await redis.command('REPLICAOF', '127.0.0.1', follower.port)
    await vi.waitFor(async () => {
      expect(String(await redis.command('INFO', 'replication'))).toContain('master_link_status:up')
    }, PATIENCE)
    await replicated(follower)
    await redis.command('REPLICAOF', 'NO', 'ONE')
    line.to(redis.port)
    const third = (await vi.waitFor(() => store.entries(), PATIENCE)).storeId
    expect(new Set([a.storeId, second, third]).size).toBe(3)
    expect(await release()).toEqual([])
    await both(third)
    expect(await release()).toEqual([testId(1)])
  })

  it('finds the new master when the old one has become a replica behind an open connection', async () => {
    await using follower = await redis.replica()
    await using line = await tcpSwitch(redis.port)
    const store = await open({ url: `redis://127.0.0.1:${line.port}` })
    await member(store, 'a')
    await replicated(redis)
    await follower.command('REPLICAOF', 'NO', 'ONE')
    await redis.command('REPLICAOF', '127.0.0.1', follower.port)
    line.lead(follower.port)
    await expect(store.freeze(true)).rejects.toMatchObject(UNAVAILABLE)
    await vi.waitFor(() => store.freeze(true), PATIENCE)
    expect(await follower.command('HGET', META, 'frozen')).toBe('1')
  })

  it('reads nothing from a replica that another Redis is the master of', async () => {
    await using follower = await redis.replica()
    await member(await open({ url: redis.url }), 'a')
    await replicated(redis)
    const store = await open({ url: follower.url })
    for (const step of [() => store.entries(), () => store.heartbeats(), () => store.freeze(true)]) {
      const error = await vi.waitFor(async () => {
        const reason = await step().then(
          () => undefined,
          (thrown: unknown) => thrown,
        )
        expect(String(reason)).toContain('READONLY')
        return reason
      }, PATIENCE)
      expect(error).toMatchObject(UNAVAILABLE)
    }
  })
})

/** WAIT counts the writes of its own connection; what others wrote before them is there, too. */
async function replicated(server: RedisServer): Promise<void> {
  await server.command('SET', 'replicated', 1)
  expect(await server.command('WAIT', 1, 200_000)).toBe(1)
}
