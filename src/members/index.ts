/** For those who write member stores, or ownership plugins whose members come and go. */

export { elapsed, type Mark, mark } from '../async/clock.ts'
export { Coalesced } from '../async/coalesced.ts'
export { eachBounded } from '../async/each.ts'
export { within } from '../async/signals.ts'
export { isTraceparent } from '../contracts/traceparent.ts'
export {
  assertBlockIds,
  assertHold,
  assertJoin,
  assertMemberId,
  assertPlacement,
  assertRelease,
  assertSeen,
  assertStamp,
} from './check.ts'
export * from './contract.ts'
export { type HandoverOptions, MemberHandover } from './handover.ts'
export { type Assign, type Assigned, type Claimed, claimOf, type LeasedLock, Leases } from './leases.ts'
export { Membership, type MembershipOptions } from './membership.ts'
export { fmix32, PLACES, type Seed, seedOfText, seedOfWords, ulidWords } from './mix.ts'
export type { Beside } from './observer.ts'
export { operatorOf } from './operator.ts'
export { checkMemberOptions, type MemberOptions, memberTimes, problemsBelow } from './options.ts'
export { outerOfRequest, StoreAttribute, type StoreRequest, tellRequest } from './store-spans.ts'
export { MemberTable, type MemberTableOptions } from './table.ts'
export type { TableSnapshot } from './table-state.ts'
export { MembersView } from './view.ts'
