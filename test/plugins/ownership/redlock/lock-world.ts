/** Locks on lock servers of a fake host. */
import { type FakeHost, fakeHost, settle } from 'blockgate/testing'
import type { Lock } from '../../../../plugins/ownership/redlock/lock.ts'
import { Locks } from '../../../../plugins/ownership/redlock/locks.ts'
import { type LockServer, lockServers } from '../../../support/lock-servers.ts'

export const UNAVAILABLE = 'ownership-unavailable'
export const TTL = 30_000
export const TIMEOUT = 1_000
export const MARGIN = 250
/** How long a lock is valid after it was asked for. */
export const VALID = TTL - TTL * 0.01 - 2 - MARGIN

export interface LockWorld {
  readonly host: FakeHost
  readonly servers: readonly LockServer[]
  /** Locks of one member, connected. */
  locksOf(member: string, host?: FakeHost): Promise<Locks>
  /** `acquire a x`, … of each server. */
  readonly logs: readonly (readonly string[])[]
  /** How many servers have the resource locked now. */
  held(resource: string): number
  /** Closes all connections. */
  stop(): Promise<void>
}

export function lockWorld(count: number): LockWorld {
  const host = fakeHost()
  const { servers, clientsFor } = lockServers(count, host)
  const open: Locks[] = []
  return {
    host,
    servers,
    async locksOf(member, own = host) {
      const locks = await Locks.open(clientsFor(member), TTL, own)
      open.push(locks)
      return locks
    },
    get logs() {
      return servers.map(({ log }) => log)
    },
    held: resource => servers.filter(({ table }) => table.get(resource) !== undefined).length,
    async stop() {
      await Promise.all(open.map(locks => locks.close()))
      await host.advance(10 * TTL)
    },
  }
}

/** What has come of it without that time passes: what it resolved with, the code of its error, or `pending`. */
export async function outcome<T>(work: Promise<T>): Promise<T | string> {
  let now: T | string = 'pending'
  work.then(
    value => {
      now = value
    },
    error => {
      now = String(error.code)
    },
  )
  await settle()
  return now
}

/** For what may reject before anybody waits for it. */
export function handled<T>(work: Promise<T>): Promise<T> {
  work.catch(() => {})
  return work
}

const owners = new WeakMap<Lock, Locks>()
const ownerOf = (lock: Lock) => owners.get(lock) as Locks

/** One lock; undefined where somebody else has it. */
export async function acquire(locks: Locks, resource: string): Promise<Lock | undefined> {
  const [lock] = await locks.acquire([resource])
  if (lock) owners.set(lock, locks)
  return lock
}

/** Whether it is valid for another term, of one that acquire() gave. */
export async function extend(lock: Lock): Promise<boolean> {
  await ownerOf(lock).extend([lock])
  return lock.valid
}

export function release(lock: Lock): Promise<void> {
  return ownerOf(lock).release([lock])
}

/** A lock that must be there to be had. */
export async function taken(locks: Locks, resource = 'x'): Promise<Lock> {
  const lock = await acquire(locks, resource)
  if (!lock) throw new Error(`${resource} must be free`)
  return lock
}
