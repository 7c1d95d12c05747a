import { readFile } from 'node:fs/promises'
import { BlockSet } from 'blockgate'
import type { SlotStore } from 'blockgate/members'
import { testId } from 'blockgate/testing'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { PATIENCE } from '../../../support/patience.ts'
import type { RedisServer } from '../../../support/redis.ts'
import { tcpSwitch } from '../../../support/tcp-switch.ts'
import { loggingHost, member, servers, stores } from './stores.ts'

const UNAVAILABLE = { name: 'OwnershipUnavailable', code: 'ownership-unavailable' }

describe('what redisStore() needs of Redis', () => {
  const open = stores()
  const started = servers()
  let redis: RedisServer
  beforeEach(async () => {
    redis = await started()
  })

  it('refuses to start where Redis may throw keys away', async () => {
    await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
    await expect(open({ url: redis.url })).rejects.toMatchObject({
      code: 'start-failed',
      rawMessage: 'maxmemory-policy of Redis must be noeviction: current value is allkeys-lru',
    })
  })

  it('lets one that only looks see what is there, and tells it', async () => {
    await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
    const { host, lines } = loggingHost()
    const store = await open({ url: redis.url }, { host, observer: true })
    await store.entries()
    expect(lines.map(line => line.message)).toEqual([
      'maxmemory-policy of Redis must be noeviction: current value is allkeys-lru',
    ])
  })

  it('tells it as an error where Redis came only after the start', async () => {
    await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
    const { host, lines } = loggingHost()
    await using line = await tcpSwitch(redis.port)
    line.to(undefined)
    await open({ url: `redis://127.0.0.1:${line.port}` }, { host })
    line.to(redis.port)
    const message = 'maxmemory-policy of Redis must be noeviction: current value is allkeys-lru'
    await vi.waitFor(() => expect(lines).toContainEqual({ level: 'error', message, fields: {} }), PATIENCE)
  })

  it('does its steps for a user who may do no more than the README says', async () => {
    const rules = ['reset', 'on', '>x', '~blockgate:{test}:*', '&blockgate:{test}:*', ...README_COMMANDS]
    await redis.command('ACL', 'SETUSER', 'gw', ...rules)
    const { host, lines } = loggingHost()
    const store = await open({ url: redis.url.replace('//', '//gw:x@') }, { host })
    const told = vi.fn()
    using _ = store.watch(told)
    await everyStep(store)
    await vi.waitFor(() => expect(told.mock.calls.length).toBeGreaterThan(1), PATIENCE)
    expect(lines).toEqual([])
    await expect(
      open({ url: redis.url.replace('//', '//gw:x@'), cluster: 'other' }).then(s => s.entries()),
    ).rejects.toMatchObject(UNAVAILABLE)
  })

  it('lists in its README the commands that were tried', async () => {
    const readme = await readFile(new URL('../../../../plugins/store/redis/README.md', import.meta.url), 'utf8')
    const written = /^(?:\s+)?(\+eval.*)$/m.exec(readme)?.[1]?.trim().split(/\s+/)
    expect(written).toEqual(README_COMMANDS)
  })

  it('names the store by a key of its own where INFO is refused, and says what it cannot check', async () => {
    const rules = [
      'reset',
      'on',
      '>x',
      '~blockgate:{test}:*',
      '&blockgate:{test}:*',
      ...README_COMMANDS.filter(c => c !== '+info'),
    ]
    await redis.command('ACL', 'SETUSER', 'gw', ...rules)
    const { host, lines } = loggingHost()
    const store = await open({ url: redis.url.replace('//', '//gw:x@') }, { host })
    await everyStep(store)
    const { storeId } = await store.entries()
    expect(storeId).toMatch(/^unnamed\.\d+$/)
    expect((await store.entries()).storeId).toBe(storeId)
    expect(lines.map(line => [line.level, line.message])).toContainEqual([
      'warn',
      'maxmemory-policy of Redis must be noeviction: INFO does not tell its value',
    ])
  })

  it('works on one shard of a Redis Cluster, and says so where the slot is not served', async () => {
    const shard = await started({ args: ['--cluster-enabled', 'yes'] })
    const store = await open({ url: shard.url })
    await expect(store.entries()).rejects.toMatchObject({
      ...UNAVAILABLE,
      rawMessage: expect.stringContaining('CLUSTERDOWN'),
    })
    await shard.command('CLUSTER', 'ADDSLOTSRANGE', 0, 16383)
    await vi.waitFor(() => store.entries(), PATIENCE)
    await everyStep(store)
  })

  it('refuses writes rather than lose keys when Redis is full, and can still leave', async () => {
    const store = await open({ url: redis.url })
    const a = await member(store, 'a')
    await store.serve(a.next(), { added: [testId(1)], dropped: [] })
    await redis.command('CONFIG', 'SET', 'maxmemory', '1')
    const full = store.serve(a.next(), { added: [testId(2)], dropped: [] })
    await expect(full).rejects.toMatchObject({ ...UNAVAILABLE, rawMessage: expect.stringContaining('OOM') })
    expect(await store.advertised('a')).toEqual(new BlockSet([testId(1)]))
    expect(await store.leave(a.next())).toBe('ok')
    expect(await store.advertised('a')).toEqual(new BlockSet())
  })
})

const README_COMMANDS = [
  ...['+eval', '+evalsha', '+subscribe', '+publish', '+info', '+time', '+type', '+hget', '+hmget', '+hset'],
  ...['+hdel', '+hgetall'],
  ...['+sadd', '+srem', '+sismember', '+smismember', '+sscan', '+unlink', '+lpush', '+lrange', '+ltrim'],
]

/** Does every step once, so that each does something. */
async function everyStep(store: SlotStore): Promise<void> {
  const [a, b] = [await member(store, 'a'), await member(store, 'b')]
  for (const each of [a, b]) {
    expect(await store.serve(each.next(), { added: [testId(1)], dropped: [testId(2)] })).toBe('ok')
    const reply = await store.heartbeat(each.next(), { storeId: each.storeId, stats: undefined, seen: 0 })
    expect(reply.status).toBe('ok')
  }
  const fence = await store.fence()
  expect(await store.hold(b.next(), { ranks: [{ slot: 1, rank: 0 }], fence, give: false })).toMatchObject({
    status: 'ok',
  })
  const holders = [{ rank: 0, holder: 'b', fence }]
  expect(await store.slots(undefined)).toMatchObject({ slots: [{ slot: 1, ...holders[0] }] })
  const precondition = { slot: 1, holders }
  expect(await a.releases(['b'], { precondition })).toEqual([testId(1)])
  expect(await store.advertised('b')).toEqual(new BlockSet([testId(1)]))
  const heartbeat = (await store.heartbeats()).heartbeats.get('b')
  const seen = { incarnation: b.incarnation, sequence: heartbeat?.sequence ?? 0 }
  expect(await store.expire('b', seen, { max: 1, windowMs: 1000 }, 'a')).toBe('expired')
  expect(await store.evict('b', (await store.entries()).members.get('b')?.changed ?? 0)).toBe(true)
  expect(await store.forget('b', (await store.entries()).members.get('b')?.changed ?? 0)).toBe(true)
  expect(await store.drain('a', true)).toBe(true)
  await store.freeze(true)
  await store.freeze(false)
  expect(await store.leave(a.next())).toBe('ok')
}
