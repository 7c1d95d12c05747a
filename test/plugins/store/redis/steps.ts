/** Every step that writes, in a cluster in which each has something to write. */
import type { BlockId } from 'blockgate'
import type { SlotStore } from 'blockgate/members'
import { testId } from 'blockgate/testing'
import type { RedisServer } from '../../../support/redis.ts'
import { joining, member } from './stores.ts'

const [held, common, more] = [testId(1), testId(2), testId(3)]
export const PREFIX = 'blockgate:{test}:'

/** A cluster in which every step has something to write. */
export interface World {
  readonly a: Awaited<ReturnType<typeof member>>
  /** The record of the member that is down. */
  readonly down: number
  readonly epoch: number
}

export interface Step {
  readonly name: string
  /** Keys that it writes, without the prefix. */
  readonly writes: readonly string[]
  /** Keys that it reads alone. Default none. */
  readonly reads?: readonly string[]
  readonly run: (store: SlotStore, world: World) => Promise<unknown>
}

const LIMIT = { max: 10, windowMs: 1000 }

export const STEPS: readonly Step[] = [
  {
    name: 'join',
    writes: ['meta', 'members', 'heartbeats', 'advertised:a'],
    run: (store, { a }) => store.join(joining('a', { incarnation: a.incarnation, sequence: 99 })),
  },
  {
    name: 'heartbeat',
    writes: ['heartbeats'],
    run: (store, { a }) => store.heartbeat(a.next(), { storeId: a.storeId, stats: undefined, seen: 0 }),
  },
  {
    name: 'heartbeat after the epoch was lost',
    writes: ['meta', 'heartbeats'],
    run: (store, { a, epoch }) =>
      store.heartbeat(a.next(), { storeId: a.storeId, stats: undefined, seen: epoch + 1e9 }),
  },
  {
    name: 'leave',
    writes: ['meta', 'members', 'heartbeats', 'advertised:a'],
    run: (store, { a }) => store.leave(a.next()),
  },
  {
    name: 'serve',
    writes: ['heartbeats', 'advertised:a'],
    run: (store, { a }) => store.serve(a.next(), { added: [more], dropped: [held] }),
  },
  {
    name: 'release',
    writes: ['heartbeats', 'advertised:a'],
    run: (store, { a, epoch }) =>
      store.release(a.next(), {
        decidedIn: epoch,
        freshMs: 1e9,
        items: [{ id: common, superseding: common, targets: ['b'], quorum: 'all' }],
      }),
  },
  {
    name: 'hold',
    writes: ['meta', 'heartbeats', 'slots', 'slot-changes'],
    run: (store, { a }) =>
      store.hold(a.next(), { ranks: [1, 2].map(slot => ({ slot, rank: 0 })), fence: 1, give: false }),
  },
  {
    name: 'release with a guard',
    writes: ['heartbeats', 'advertised:a'],
    reads: ['slots'],
    run: (store, { a, epoch }) =>
      store.release(a.next(), {
        decidedIn: epoch,
        freshMs: 1e9,
        items: [
          { id: common, superseding: common, targets: ['b'], quorum: 'all', precondition: { slot: 1, holders: [] } },
        ],
      }),
  },
  {
    name: 'tellTraces',
    writes: ['traces'],
    run: store =>
      store.tellTraces?.(new Map([[held, `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`]])) ?? Promise.reject(),
  },
  {
    name: 'publishPlacement',
    writes: ['meta', 'heartbeats'],
    run: (store, { a, epoch }) => store.publishPlacement(a.next(), { decidedIn: epoch, text: 'x' }),
  },
  { name: 'fence', writes: ['meta'], run: store => store.fence() },
  {
    name: 'expire',
    writes: ['meta', 'members', 'expiries'],
    run: async (store, { a }) => {
      const heartbeat = (await store.heartbeats()).heartbeats.get('a')
      return await store.expire('a', { incarnation: a.incarnation, sequence: heartbeat?.sequence ?? 0 }, LIMIT, 'b')
    },
  },
  {
    name: 'evict',
    writes: ['meta', 'members'],
    run: (store, { down }) => store.evict('c', down),
  },
  {
    name: 'forget',
    writes: ['meta', 'members', 'heartbeats', 'advertised:c'],
    run: (store, { down }) => store.forget('c', down),
  },
  { name: 'drain', writes: ['meta', 'members'], run: store => store.drain('a', true) },
  { name: 'freeze', writes: ['meta'], run: store => store.freeze(true) },
]

/** Makes that cluster in an empty Redis. */
export async function seeded(store: SlotStore): Promise<World> {
  const [a, b, c] = [await member(store, 'a'), await member(store, 'b'), await member(store, 'c')]
  await store.serve(a.next(), { added: [held, common], dropped: [] })
  await store.serve(b.next(), { added: [common], dropped: [] })
  await store.heartbeat(b.next(), { storeId: b.storeId, stats: undefined, seen: 0 })
  await store.serve(c.next(), { added: [held], dropped: [] })
  const heartbeat = (await store.heartbeats()).heartbeats.get('c')
  await store.expire('c', { incarnation: c.incarnation, sequence: heartbeat?.sequence ?? 0 }, LIMIT, 'a')
  const { epoch, members } = await store.entries()
  return { a, epoch, down: members.get('c')?.changed ?? 0 }
}

/** What each member advertises. */
export async function advertisedIn(store: SlotStore): Promise<ReadonlyMap<string, ReadonlySet<BlockId>>> {
  const all = new Map<string, ReadonlySet<BlockId>>()
  for (const id of ['a', 'b', 'c']) all.set(id, await store.advertised(id))
  return all
}

/** Every key with all that is in it. */
export async function dump(redis: RedisServer): Promise<ReadonlyMap<string, string>> {
  const keys = (await redis.command('KEYS', '*')) as readonly string[]
  const entries = keys.toSorted().map(async key => [key, await contents(redis, key)] as const)
  return new Map(await Promise.all(entries))
}

async function contents(redis: RedisServer, key: string): Promise<string> {
  const type = await redis.command('TYPE', key)
  const read = {
    hash: ['HGETALL', key],
    set: ['SORT', key, 'ALPHA'],
    list: ['LRANGE', key, 0, -1],
    string: ['GET', key],
  }[String(type)] as [string, ...string[]]
  return JSON.stringify(await redis.command(...read))
}
