/** Ownership by hashing: members come and go, and blocks follow them, always served by somebody. */
import { BlockgateError, type BlockMeta, ErrorCode, type OwnershipPlugin, type Services } from 'blockgate'
import {
  type Assign,
  claimOf,
  type EntriesView,
  Leases,
  MemberHandover,
  Membership,
  memberTimes,
  operatorOf,
} from 'blockgate/members'
import { Assignments } from './assignments.ts'
import { checkHashRing, type HashRingOptions } from './options.ts'
import { rendezvous } from './rendezvous.ts'

export { Assignments, type AssignmentsOptions } from './assignments.ts'
export type { HashRingOptions } from './options.ts'
export type { PlacedMember, PlacedRing, Placement, Publisher, Ranking } from './placement.ts'
export { rendezvous, rendezvousRanks } from './rendezvous.ts'
export { type TokenRingOptions, tokenRing } from './token-ring.ts'

/** Of everything here that members must agree on beside their options. */
const FINGERPRINT_VERSION = 1

/**
 * Each block is held by `replicas` members, chosen by a hash of its ULID. A member that joins loads its blocks from the
 * bucket, and the members that held them let go when it serves them; one that dies is replaced by the next in rank after
 * `expireAfter`, and keeps its place for `grace`. Members meet in a member store.
 *
 * @example owned(hashRing({ store: redisStore({ cluster: 'prod', url: 'redis://127.0.0.1:6379' }), replicas: 2 }))
 */
export function hashRing(options: HashRingOptions): OwnershipPlugin {
  const { store, replicas = 1, zones } = options ?? {}
  // What is not a placement is told by check(); until then it must not make the factory throw.
  const placement = options?.placement ?? rendezvous()
  const times = memberTimes(options)
  const fingerprint = JSON.stringify([FINGERPRINT_VERSION, replicas, zones ?? null, placement.fingerprint])
  const membership = new Membership({ ...times, store, fingerprint })
  let last: { readonly entries: EntriesView; readonly assignments: Assignments } | undefined
  const assignmentsOf = (entries: EntriesView): Assignments => {
    if (last?.entries !== entries) {
      const published = entries.placement?.text
      const parts = { placement, replicas, zones, published }
      last = { entries, assignments: new Assignments(entries.members.values(), parts) }
    }
    return last.assignments
  }
  const assign: Assign = (block, entries) => assignmentsOf(entries).of(block.ulid, block)
  const without = (block: BlockMeta, entries: EntriesView, gone: string) => {
    return assignmentsOf(entries).without(block.ulid, gone, block)
  }
  let zone: string | undefined
  let joined: { readonly entries: EntriesView; readonly assignments: Assignments } | undefined
  const joining = (block: BlockMeta, entries: EntriesView, id: string) => {
    if (joined?.entries !== entries) {
      const me = { id, zone, state: 'active', placed: true, draining: false } as const
      const members = [...entries.members.values()].filter(member => member.id !== id)
      const parts = { placement, replicas, zones, published: entries.placement?.text }
      joined = { entries, assignments: new Assignments([...members, me], parts) }
    }
    return joined.assignments.of(block.ulid, block).targets.includes(id)
  }
  const leases = new Leases(membership, assign)
  const publisher = placement.publisher?.({ membership, assign, replicas, zones })
  membership.onPoll(() => publisher?.polled())
  const counts = publisher && (() => publisher.counts())
  const handover = new MemberHandover({ ...times, store, membership, assign, without, joining, placement: counts })
  return {
    name: 'hash-ring',
    options,
    exclusive: false,
    handover,
    operator: operatorOf(store),
    check: () => checkHashRing(options),
    async start(services, signal) {
      checkZone(services, zones)
      zone = services.instance.zone
      joined = undefined
      await membership.start(services, signal)
    },
    async stop(signal) {
      handover.stop()
      await membership.stop(signal)
    },
    epoch: () => membership.epoch,
    offered: blocks => publisher?.offered(blocks),
    async claim(block, signal) {
      signal.throwIfAborted()
      const { entries, epoch } = membership.mustKnow()
      return claimOf(block, { membership, leases, assigned: assign(block, entries), epoch })
    },
    watch: listener => membership.watch(listener),
    dependencies: () => handover.dependencies(),
  }
}

/** A member of no zone would be there and own nothing. */
function checkZone({ instance, observer }: Services, zones: readonly string[] | undefined): void {
  if (observer || !zones || (instance.zone !== undefined && zones.includes(instance.zone))) return
  const value = JSON.stringify(instance.zone) ?? 'undefined'
  throw new BlockgateError(
    ErrorCode.invalidConfig,
    `instance.zone must be one of ${zones.join(', ')}: current value is ${value}`,
  )
}
