/** The protocol with one rule taken out that is about slots, locks and fences. */
import { commandOf, type LockArguments } from '../support/lock-table.ts'
import { bound, late, table } from './bent.ts'
import type { LockClient, LockConnection, Variant } from './world.ts'

/** How long a late release takes, ms: less than the caller waits for it. */
const LATE_RELEASE = 2_500

/** Where the TTL stands, behind the keys and their value; and what of it the lock servers are told. */
const TTL_AT = 1
const TOLD = 0.4

/** For plugins with slots, locks and fences. */
export const LEASED: readonly Variant[] = [
  /** Whoever comes last has the slot. */
  {
    name: 'hold-with-any-fence',
    table: table(own => ({
      hold(stamp, request) {
        const reply = own.hold(stamp, request)
        if (reply.status !== 'ok' || reply.recorded.length === request.ranks.length) return reply
        return own.hold(stamp, { ...request, fence: own.fence() })
      },
    })),
  },
  /** A release is of its epoch, whatever became of the slot. It goes out late: else the race would be of milliseconds. */
  {
    name: 'guard-not-compared',
    table: table(own => ({
      release: (stamp, { items, ...request }) =>
        own.release(stamp, { ...request, items: items.map(({ precondition: _, ...item }) => item) }),
    })),
    store: (store, { process }) =>
      bound(store, {
        async release(stamp, request) {
          await late(process, process.random() * LATE_RELEASE)
          return store.release(stamp, request)
        },
      }),
  },
  /** Each process locks keys of its own. */
  {
    name: 'locks-that-exclude-nobody',
    client: (client, { process }) =>
      sending(client, (args, keys) =>
        args.map((arg, n) => (n < keys ? `${process.id}/${process.generation}/${arg}` : arg)),
      ),
  },
  /** A process that does not notice that it stood still. */
  {
    name: 'lock-not-checked-after-a-pause',
    plugin(plugin, { process }) {
      const host = bound(process, {
        monotonic: () => process.monotonic() - process.slept.monotonic,
        now: () => process.now() - process.slept.wall,
      })
      return bound(plugin, { start: async services => plugin.start?.({ ...services, host }) })
    },
  },
  /** The servers have forgotten the lock while the process counts on it. */
  {
    name: 'grant-used-after-its-ttl',
    world: { leases: { slots: 16, ttlMs: 30_000, servers: 1, inStore: false } },
    client: client =>
      sending(client, (args, keys) =>
        args.map((arg, n) => (n === keys + TTL_AT ? Math.ceil(Number(arg) * TOLD) : arg)),
      ),
  },
  /** A version says nothing of the copy of the store that gave it: what a failover has lost is never read again. */
  {
    name: 'records-since-a-version-that-went-back',
    table: table(own => ({
      slots(since) {
        const all = own.slots(undefined)
        const known = Number(since?.split(' ')[0])
        if (!all || !(known <= all.version)) return all
        const { slotChanges } = own.snapshot()
        const keys = new Set(
          slotChanges.filter(({ mark }) => Number(mark.split(' ')[0]) > known).flatMap(each => each.keys),
        )
        return { ...all, whole: false, slots: all.slots.filter(({ slot, rank }) => keys.has(`${slot}/${rank}`)) }
      },
    })),
  },
  /** Of several locks that are extended together one is lost, and what holds for the others is taken to hold for it. */
  {
    name: 'one-lost-of-several-counts-as-kept',
    world: { leases: { slots: 16, ttlMs: 5_000, servers: 1, inStore: false } },
    client: client =>
      asking(client, connection => async (script, keys, args) => {
        if (keys === 1 || commandOf(script) !== 'extend') return await connection.eval(script, keys, args)
        const each = args.slice(0, keys).map(key => connection.eval(script, 1, [key, ...args.slice(keys)]))
        return (await Promise.all(each)).includes(1) ? keys : 0
      }),
  },
  /** Whoever is down has lost its place. */
  {
    name: 'rivals-do-not-wait-for-the-grace',
    store: store =>
      bound(store, {
        async entries() {
          const view = await store.entries()
          const placed = [...view.members].map(
            ([id, member]) => [id, { ...member, placed: member.placed && member.state !== 'down' }] as const,
          )
          return { ...view, members: new Map(placed) }
        },
      }),
  },
]

function sending(client: LockClient, change: (args: LockArguments, keys: number) => LockArguments): LockClient {
  return asking(client, connection => (script, keys, args) => connection.eval(script, keys, change(args, keys)))
}

function asking(client: LockClient, ask: (connection: LockConnection) => LockConnection['eval']): LockClient {
  return bound(client, {
    duplicate(override) {
      const connection = client.duplicate(override)
      return bound(connection, { eval: ask(connection) })
    },
  })
}
