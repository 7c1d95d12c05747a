/** The plugin over any locks: what redlock() is, less where its locks come from. */
import { durationMs, type Host, type OwnershipPlugin, OwnershipUnavailable } from 'blockgate'
import {
  claimOf,
  type LeasedLock,
  Leases,
  MemberHandover,
  Membership,
  memberTimes,
  operatorOf,
} from 'blockgate/members'
import { SlotAssignments } from './assign.ts'
import type { LockProvider } from './lock.ts'
import { checkRedlock, type RedlockOptions, SLOTS, TTL } from './options.ts'
import { SeatKeeper } from './seat-keeper.ts'
import { SlotBook } from './slot-book.ts'

/** Of everything here that members must agree on beside their options. */
const RULES_VERSION = 1

/** Locks of one process, until they are closed. */
export interface OpenLocks extends LockProvider {
  /** After all its locks were released. Never rejects. */
  close(): Promise<void>
}

/** `open` connects, and is called once, at the start; it does not wait for servers that are away. */
export function slotLeases(
  options: RedlockOptions,
  open: (ttlMs: number, host: Host) => Promise<OpenLocks>,
): OwnershipPlugin {
  const { store, slots = SLOTS, replicas = 1 } = options ?? {}
  const times = memberTimes(options)
  const ttlMs = durationMs(options?.ttl, TTL)
  const rules = JSON.stringify(['redlock', RULES_VERSION, replicas, slots])
  const book = new SlotBook(store, slots)
  const membership = new Membership({ ...times, store, rules, beside: book })
  book.attach(membership)
  const assignments = new SlotAssignments(book, replicas)
  const assign = assignments.of.bind(assignments)
  const mustAssign = assignments.mustKnow.bind(assignments)
  const leases = new Leases(membership, assign)
  const epochOf = book.versionOf.bind(book)
  const handover = new MemberHandover({ ...times, store, membership, assign, mustAssign, epochOf })
  let locks: OpenLocks | undefined
  let keeper: SeatKeeper | undefined
  membership.onLook(() => keeper?.look())

  const lockOf = (slot: number): LeasedLock => {
    const lock = keeper?.lockOf(slot)
    if (lock) return lock
    throw new OwnershipUnavailable(`slot ${slot} must be locked by this member: its lock could not be taken or renewed`)
  }

  return {
    name: 'redlock',
    options,
    exclusive: false,
    handover,
    operator: operatorOf(store),
    check: () => checkRedlock(options),
    async start(services, signal) {
      if (!services.observer) {
        locks = await open(ttlMs, services.host)
        const parts = { store, membership, book, assignments, slots, replicas, ttlMs }
        keeper = new SeatKeeper(parts, locks, services.host)
      }
      await membership.start(services, signal)
      keeper?.start()
    },
    async stop(signal) {
      keeper?.close()
      handover.stop()
      await membership.stop(signal)
      await keeper?.release()
      await locks?.close()
    },
    epoch: block => (block ? book.versionOf(block) : book.version()),
    async claim(block, signal) {
      signal.throwIfAborted()
      const { record } = membership.mustKnow()
      const assigned = mustAssign(block, record)
      const lock = () => lockOf(book.slotOf(block))
      return claimOf(block, { membership, leases, assigned, epoch: book.versionOf(block), lock })
    },
    watch: listener => membership.watch(listener),
  }
}
