/** Members of a ring and owners of a block, as an ownership plugin tells them. */
import type { MemberStats, Owner, RingMember } from 'blockgate'

export const STATS: MemberStats = {
  ...{ assigned: 12_345, serving: 4, pendingHandOff: 3, lastCopy: 2, failed: 1, bytes: 12_300 },
}

/** A member that is up, unless `rest` says that it is down. */
export function member(id: string, rest: Partial<RingMember> = {}): RingMember {
  return {
    ...{ id, zone: undefined, address: undefined, state: 'active', ready: rest.state !== 'down', heartbeatAge: 1_500 },
    ...{ placed: true, draining: false, incarnation: 1, fingerprint: 'r', stats: undefined, ...rest },
  }
}

/** An owner that is up and serves the block. */
export function owner(member: string, rest: Partial<Owner> = {}): Owner {
  return { member, rank: 0, target: true, serves: true, live: true, ...rest }
}
