/** Ownership by leases: members hold slots of blocks by locks on Redis, and hand them over one at a time. */
import { durationMs, type OwnershipPlugin, OwnershipUnavailable } from 'blockgate'
import { claimOf, Leases, MemberHandover, Membership, memberTimes, operatorOf } from 'blockgate/members'
import { LeaseManager } from './lease-manager.ts'
import { Locks } from './locks.ts'
import { checkRedlock, type RedlockOptions, SLOTS, TTL } from './options.ts'
import { Slots } from './slots.ts'

export type { RedlockOptions } from './options.ts'

/** Part of the config fingerprint: raised when members of two versions must not release blocks to each other. */
const FINGERPRINT_VERSION = 1

/**
 * Blocks fall into slots by a hash of their ULID, and each slot is held by `replicas` members, by a lock and an entry with a fence. A
 * member that joins is given slots by those that have more than their share, one after another; its blocks follow as with
 * hashRing(): who held them lets go when the new holder serves them. One that dies keeps its slots for `grace`, and others serve
 * its blocks meanwhile.
 *
 * @example owned(redlock({ store: redisStore({ cluster: 'prod', url }), clients: [url], replicas: 2 }))
 */
export function redlock(options: RedlockOptions): OwnershipPlugin {
  const { store, slots: count = SLOTS, replicas = 1 } = options ?? {}
  const times = memberTimes(options)
  const ttlMs = durationMs(options?.ttl, TTL)
  const fingerprint = JSON.stringify(['redlock', FINGERPRINT_VERSION, replicas, count])
  const slots: Slots = new Slots(store, count, replicas, () => membership)
  const membership = new Membership({ ...times, store, fingerprint, beside: slots })
  const leases = new Leases(membership, slots.assign)
  const { assign, mustAssign, versionOf: epochOf } = slots
  const handover = new MemberHandover({ ...times, store, membership, assign, mustAssign, epochOf })
  let manager: LeaseManager | undefined
  let locks: Locks | undefined
  membership.onPoll(({ broken }) => manager?.onPoll(broken))

  return {
    name: 'redlock',
    options,
    exclusive: false,
    handover,
    operator: Object.assign(operatorOf(store), {
      slots: () => ({ count, holders: slots.all.map(({ slot, rank, holder }) => ({ slot, rank, holder })) }),
    }),
    check: () => checkRedlock(options),
    async start(services, signal) {
      if (!services.observer) {
        const { host } = services
        locks = await Locks.open(options.clients, ttlMs, host)
        manager = new LeaseManager({ host, store, membership, locks, slots, ttlMs })
      }
      await membership.start(services, signal)
      manager?.start()
    },
    async stop(signal) {
      manager?.close()
      handover.stop()
      await membership.stop(signal)
      await manager?.release()
    },
    epoch: block => (block ? epochOf(block) : slots.version()),
    async claim(block, signal) {
      signal.throwIfAborted()
      const { entries } = membership.mustKnow()
      const lock = () => {
        const slot = slots.slotOf(block)
        const held = manager?.lockOf(slot)
        if (held) return held
        throw new OwnershipUnavailable(`this member holds slot ${slot}, and its lock could not be taken or renewed`)
      }
      return claimOf(block, { membership, leases, assigned: mustAssign(block, entries), epoch: epochOf(block), lock })
    },
    watch: listener => membership.watch(listener),
    dependencies: () => [...handover.dependencies(), ...(locks?.dependencies() ?? [])],
  }
}
