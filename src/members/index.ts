/** For those who write member stores, or ownership plugins whose members come and go. */

export { eachBounded } from '../async/each.ts'
export type { Assign, Assigned } from './assigned.ts'
export {
  assertBlockIds,
  assertHold,
  assertJoin,
  assertMemberId,
  assertRelease,
  assertSeen,
  assertStamp,
} from './check.ts'
export { type Claimed, claimOf } from './claiming.ts'
export { elapsed, type Mark, mark } from './clock.ts'
export { Coalesced } from './coalesced.ts'
export * from './contract.ts'
export { type HandoverOptions, MemberHandover } from './handover.ts'
export { type LeasedLock, Leases } from './leases.ts'
export type { Beside } from './looking.ts'
export { Membership } from './membership.ts'
export { fmix32, PLACES, type Seed, seedOfText, seedOfWords, ulidWords } from './mix.ts'
export { operatorOf } from './operator.ts'
export { checkMemberOptions, type MemberOptions, memberTimes, problemsBelow } from './options.ts'
export type { MembershipOptions } from './parts.ts'
export type { HoldRequest, SlotStore, SlotView } from './slots.ts'
export { MemberTable, type MemberTableOptions } from './table.ts'
export type { TableSnapshot } from './table-state.ts'
export { MembersView } from './view.ts'
