import type { BlockId } from 'blockgate'
import type { SlotStore, SlotView } from 'blockgate/members'
import { testId } from 'blockgate/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type RedisServer, startRedis } from '../../../support/redis.ts'
import { joining, member, stores } from './stores.ts'

const [held, common, more] = [testId(1), testId(2), testId(3)]
const PREFIX = 'blockgate:{test}:'

/** A cluster in which every step has something to write. */
interface World {
  readonly a: Awaited<ReturnType<typeof member>>
  /** The record of the member that is down. */
  readonly down: number
  readonly epoch: number
}

interface Step {
  readonly name: string
  /** Keys that it writes, without the prefix. */
  readonly writes: readonly string[]
  /** Commands that it writes with, beside PUBLISH. */
  readonly commands: readonly string[]
  readonly run: (store: SlotStore, world: World) => Promise<unknown>
}

const KEYS = ['meta', 'records', 'beats', 'expiries', 'slots', 'claims:a', 'claims:b', 'claims:c']

const LIMIT = { max: 10, windowMs: 1000 }

const STEPS: readonly Step[] = [
  {
    name: 'join',
    writes: ['meta', 'records', 'beats', 'claims:a'],
    commands: ['unlink', 'hset'],
    run: (store, { a }) => store.join(joining('a', { incarnation: a.incarnation, sequence: 99 })),
  },
  {
    name: 'beat',
    writes: ['beats'],
    commands: ['hset'],
    run: (store, { a }) => store.beat(a.next(), { storeId: a.storeId, stats: undefined, seen: 0 }),
  },
  {
    name: 'beat after the epoch was lost',
    writes: ['meta', 'beats'],
    commands: ['hset'],
    run: (store, { a, epoch }) => store.beat(a.next(), { storeId: a.storeId, stats: undefined, seen: epoch + 1e9 }),
  },
  {
    name: 'leave',
    writes: ['meta', 'records', 'beats', 'claims:a'],
    commands: ['unlink', 'hset'],
    run: (store, { a }) => store.leave(a.next()),
  },
  {
    name: 'serve',
    writes: ['beats', 'claims:a'],
    commands: ['srem', 'hset', 'sadd'],
    run: (store, { a }) => store.serve(a.next(), { added: [more], dropped: [held] }),
  },
  {
    name: 'release',
    writes: ['beats', 'claims:a'],
    commands: ['srem', 'hset'],
    run: (store, { a, epoch }) =>
      store.release(a.next(), {
        decidedIn: epoch,
        freshMs: 1e9,
        items: [{ id: common, needs: common, targets: ['b'], quorum: 'all' }],
      }),
  },
  {
    name: 'hold',
    writes: ['meta', 'beats', 'slots'],
    commands: ['hset'],
    run: (store, { a }) => store.hold(a.next(), { slot: 1, rank: 0, fence: 1, give: false }),
  },
  {
    name: 'release with a guard',
    writes: ['beats', 'claims:a'],
    commands: ['srem', 'hset'],
    run: (store, { a, epoch }) =>
      store.release(a.next(), {
        decidedIn: epoch,
        freshMs: 1e9,
        items: [{ id: common, needs: common, targets: ['b'], quorum: 'all', guard: { slot: 1, holders: [] } }],
      }),
  },
  { name: 'fence', writes: ['meta'], commands: ['hset'], run: store => store.fence() },
  {
    name: 'expire',
    writes: ['meta', 'records', 'expiries'],
    commands: ['lpush', 'ltrim', 'hset'],
    run: async (store, { a }) => {
      const beat = (await store.beats()).beats.get('a')
      return await store.expire('a', { incarnation: a.incarnation, sequence: beat?.sequence ?? 0 }, LIMIT, 'b')
    },
  },
  {
    name: 'unplace',
    writes: ['meta', 'records'],
    commands: ['hset'],
    run: (store, { down }) => store.unplace('c', down),
  },
  {
    name: 'forget',
    writes: ['meta', 'records', 'beats', 'claims:c'],
    commands: ['unlink', 'hset', 'hdel'],
    run: (store, { down }) => store.forget('c', down),
  },
  { name: 'drain', writes: ['meta', 'records'], commands: ['hset'], run: store => store.drain('a', true) },
  { name: 'freeze', writes: ['meta'], commands: ['hset'], run: store => store.freeze(true) },
]

describe('a step of redisStore() that fails in the middle', () => {
  const open = stores()
  let redis: RedisServer
  let store: SlotStore
  let world: World
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())

  beforeEach(async () => {
    await redis.command('FLUSHALL')
    store = await open({ url: redis.url })
    const [a, b, c] = [await member(store, 'a'), await member(store, 'b'), await member(store, 'c')]
    await store.serve(a.next(), { added: [held, common], dropped: [] })
    await store.serve(b.next(), { added: [common], dropped: [] })
    await store.beat(b.next(), { storeId: b.storeId, stats: undefined, seen: 0 })
    await store.serve(c.next(), { added: [held], dropped: [] })
    const beat = (await store.beats()).beats.get('c')
    await store.expire('c', { incarnation: c.incarnation, sequence: beat?.sequence ?? 0 }, LIMIT, 'a')
    const { epoch, members } = await store.record()
    world = { a, epoch, down: members.get('c')?.changed ?? 0 }
  })

  it.each(STEPS)('is one that works: $name', async step => {
    const before = await dump()
    await step.run(store, world)
    const after = await dump()
    const changed = [...new Set([...before.keys(), ...after.keys()])].filter(key => before.get(key) !== after.get(key))
    expect(changed.sort()).toEqual(step.writes.map(key => PREFIX + key).sort())
  })

  const wrong = STEPS.flatMap(step => step.writes.map(key => ({ ...step, key })))
  it.each(wrong)('has written nothing where $key is of another type: $name', async ({ run, key }) => {
    await redis.command('DEL', PREFIX + key)
    await redis.command('SET', PREFIX + key, 'x')
    const before = await dump()
    const error = await run(store, world).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error).toMatchObject({ code: 'ownership-unavailable' })
    expect(String(error)).toMatch(
      new RegExp(`WRONGTYPE key "${PREFIX}${key}" must be a (hash|set|list): current value is a string`),
    )
    expect(await dump()).toEqual(before)
  })

  const denied = STEPS.flatMap(step => ['publish', ...step.commands].map(command => ({ ...step, command })))
  it.each(denied)('only took claims away where $command is refused: $name', async ({ run, name, command, writes }) => {
    const before = await claims()
    const slots = await store.slots(undefined)
    await redis.command('ACL', 'SETUSER', 'limited', 'reset', 'on', '>x', '~*', '&*', '+@all', `-${command}`)
    const limited = await open({ url: redis.url.replace('//', '//limited:x@') })
    if (command === 'publish' && (name === 'fence' || !writes.includes('meta'))) {
      await run(limited, world)
      return
    }
    await expect(run(limited, world)).rejects.toMatchObject({ code: 'ownership-unavailable' })
    const after = await claims()
    for (const [id, ids] of after)
      expect(
        [...ids].filter(block => !before.get(id)?.has(block)),
        id,
      ).toEqual([])
    await expectTold(slots)
    const { epoch, broken } = await store.record()
    expect(broken).toBe(0)
    if (command === 'publish') expect(after).toEqual(before)
    // A forgotten member whose record could not be taken away has nothing left that counts; all else raises last or not at all.
    if (name === 'forget' && command === 'hdel') expect(epoch).toBeGreaterThan(world.epoch)
    else expect(epoch).toBe(world.epoch)
  })

  it.each(wrong)('only took claims away where $key cannot be written: $name', async ({ run, key, writes }) => {
    const before = await claims()
    const slots = await store.slots(undefined)
    const others = KEYS.filter(k => k !== key)
    const patterns = [...others.map(other => `~${PREFIX}${other}`), `%R~${PREFIX}${key}`]
    await redis.command('ACL', 'SETUSER', 'limited', 'reset', 'on', '>x', ...patterns, '&*', '+@all')
    const limited = await open({ url: redis.url.replace('//', '//limited:x@') })
    await expect(run(limited, world)).rejects.toMatchObject({ code: 'ownership-unavailable' })
    for (const [id, ids] of await claims()) {
      expect(
        [...ids].filter(block => !before.get(id)?.has(block)),
        id,
      ).toEqual([])
    }
    await expectTold(slots)
    const { epoch, broken } = await store.record()
    expect(broken).toBe(0)
    // A raised epoch that nothing follows costs a look at the record; a change that nobody is told of would cost more.
    if (!writes.includes('meta') || key === 'meta') expect(epoch).toBe(world.epoch)
  })

  async function claims(): Promise<Map<string, ReadonlySet<BlockId>>> {
    const all = new Map<string, ReadonlySet<BlockId>>()
    for (const id of ['a', 'b', 'c']) all.set(id, await store.claims(id))
    return all
  }

  /** Who knew the slots of before sees every change of them. */
  async function expectTold(before: SlotView | undefined): Promise<void> {
    const now = await store.slots(undefined)
    expect((await store.slots(before?.version)) ?? before).toEqual(now)
  }

  /** Every key with all that is in it. */
  async function dump(): Promise<ReadonlyMap<string, string>> {
    const keys = (await redis.command('KEYS', '*')) as readonly string[]
    const entries = keys.toSorted().map(async key => [key, await contents(key)] as const)
    return new Map(await Promise.all(entries))
  }

  async function contents(key: string): Promise<string> {
    const type = await redis.command('TYPE', key)
    const read = {
      hash: ['HGETALL', key],
      set: ['SORT', key, 'ALPHA'],
      list: ['LRANGE', key, 0, -1],
      string: ['GET', key],
    }[String(type)] as [string, ...string[]]
    return JSON.stringify(await redis.command(...read))
  }
})
