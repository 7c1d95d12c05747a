/** Ownership by leases: members hold slots of blocks by locks on Redis, and hand them over one at a time. */
import type { OwnershipPlugin } from 'blockgate'
import { openLocks } from './open-locks.ts'
import type { RedlockOptions } from './options.ts'
import { slotLeases } from './slot-leases.ts'

export type { RedlockOptions } from './options.ts'

/**
 * Blocks fall into slots by a hash of their ULID, and each slot is held by `replicas` members, by a lock and a record with a fence. A
 * member that joins is given slots by those that have more than their share, one after another; its blocks follow as with
 * hashRing(): who held them lets go when the new holder serves them. One that dies keeps its slots for `grace`, and others serve
 * its blocks meanwhile.
 *
 * @example owned(redlock({ store: redisStore({ cluster: 'prod', url }), clients: [url], replicas: 2 }))
 */
export function redlock(options: RedlockOptions): OwnershipPlugin {
  return slotLeases(options, (ttlMs, host) => openLocks(options.clients, ttlMs, host))
}
