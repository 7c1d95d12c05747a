/** For those who write member stores, or ownership plugins whose members come and go. */
export { assertBlockIds, assertJoin, assertMemberId, assertRelease, assertSeen, assertStamp } from './check.ts'
export * from './contract.ts'
export { MemberTable, type MemberTableOptions } from './table.ts'
export type { TableSnapshot } from './table-state.ts'
