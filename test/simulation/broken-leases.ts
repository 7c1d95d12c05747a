/** Locks and slots with one rule taken out. */
import type { OwnershipPlugin } from 'blockgate'
import type { SlotStore } from 'blockgate/members'
import type { LockArguments } from '../support/lock-table.ts'
import { bound } from './bound.ts'
import type { LockClient, Running } from './world.ts'

/** Where the TTL stands, behind the one key and its value. */
const TTL_AT = 2

/** Of the TTL that the process counts with, what the lock servers are told. */
const TOLD = 0.4

/** How long a release waits at most, ms: less than what the caller waits for it. */
const SLOW = 2_500

/** Each process locks keys of its own. */
export function lockingForItself(client: LockClient, { process }: Running): LockClient {
  const own = `${process.id}/${process.generation}/`
  return sending(client, args => args.map((arg, n) => (n === 0 ? own + arg : arg)))
}

/** The servers have forgotten the lock while the process counts on it. */
export function forgottenSoon(client: LockClient): LockClient {
  return sending(client, args => args.map((arg, n) => (n === TTL_AT ? Math.ceil(Number(arg) * TOLD) : arg)))
}

/** A process that does not notice that it stood still. */
export function sleepwalking(plugin: OwnershipPlugin, { process }: Running): OwnershipPlugin {
  const host = bound(process, {
    monotonic: () => process.monotonic() - process.slept.monotonic,
    now: () => process.now() - process.slept.wall,
  })
  return bound(plugin, { start: async services => plugin.start?.({ ...services, host }) })
}

/** Whoever is down has lost its place. */
export function withoutGrace(store: SlotStore): SlotStore {
  return bound(store, {
    async entries() {
      const view = await store.entries()
      const members = [...view.members].map(
        ([id, member]) => [id, { ...member, placed: member.placed && member.state !== 'down' }] as const,
      )
      return { ...view, members: new Map(members) }
    },
  })
}

/** The decision is old when the request goes out: the guard is for that, and the race without it would be of milliseconds. */
export function releasesSlowly(store: SlotStore, { process }: Running): SlotStore {
  return bound(store, {
    async release(stamp, request) {
      await new Promise<void>(resolve => process.setTimer(process.random() * SLOW, resolve))
      return store.release(stamp, request)
    },
  })
}

function sending(client: LockClient, change: (args: LockArguments) => LockArguments): LockClient {
  return bound(client, {
    duplicate(override) {
      const connection = client.duplicate(override)
      return bound(connection, {
        eval: (script, keys, args) => connection.eval(script, keys, change(args)),
      })
    },
  })
}
