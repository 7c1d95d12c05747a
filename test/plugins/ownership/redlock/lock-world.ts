/** Providers of locks on lock servers of a fake host. */
import { type FakeHost, fakeHost, settle } from 'blockgate/testing'
import { LockServers } from '../../../../plugins/ownership/redlock/clients.ts'
import type { Lock, LockProvider } from '../../../../plugins/ownership/redlock/lock.ts'
import { RedlockLocks } from '../../../../plugins/ownership/redlock/locks.ts'
import { lockServers, type LockServers as TestServers } from '../../../support/lock-servers.ts'

export const TTL = 30_000
export const TIMEOUT = 1_000
export const MARGIN = 250
/** How long a lock is valid after it was asked for. */
export const VALID = TTL - TTL * 0.01 - 2 - MARGIN

export interface LockWorld extends TestServers {
  readonly host: FakeHost
  /** Locks of one member, connected. */
  locksOf(member: string, more?: { readonly timeoutMs?: number; readonly margin?: () => number }): Promise<RedlockLocks>
  /** `acquire a x`, … of each server. */
  readonly logs: readonly (readonly string[])[]
  /** How many servers have the resource locked now. */
  held(resource: string): number
  /** Closes all connections. */
  stop(): Promise<void>
}

export function lockWorld(count: number, host: FakeHost = fakeHost()): LockWorld {
  const world = lockServers(count, host)
  const open: LockServers[] = []
  return {
    ...world,
    host,
    async locksOf(member, { timeoutMs = TIMEOUT, margin = () => MARGIN } = {}) {
      const servers = await LockServers.open({ clients: world.clientsFor(member), host, timeoutMs })
      open.push(servers)
      return await RedlockLocks.make({ clients: servers.clients, ttlMs: TTL, host, pauseMargin: margin })
    },
    get logs() {
      return world.servers.map(({ log }) => log)
    },
    held: resource => world.servers.filter(({ table }) => table.get(resource) !== undefined).length,
    async stop() {
      await Promise.all(open.map(servers => servers.stop()))
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

/** A lock that must be there to be had. */
export async function taken(locks: LockProvider, resource = 'x'): Promise<Lock> {
  const lock = await locks.acquire(resource)
  if (!lock) throw new Error(`${resource} must be free`)
  return lock
}
