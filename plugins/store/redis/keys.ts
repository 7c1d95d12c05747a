/** The names of one cluster's keys: one hash tag, so that all are in one slot of a Redis Cluster, and in one ACL pattern. */
import { assertMemberId } from 'blockgate/members'

export interface Keys {
  readonly channel: string
  /** Meta, members and heartbeats: every script has them. */
  readonly base: readonly [string, string, string]
  readonly expiries: string
  /** The records of slots, and which of them were written last. */
  readonly slots: readonly [string, string]
  readonly traces: string
  /** @throws BlockgateError `invalid-member` */
  advertised(id: string): string
}

export function keysOf(cluster: string): Keys {
  const prefix = `blockgate:{${cluster}}:`
  return {
    channel: `${prefix}epoch`,
    base: [`${prefix}meta`, `${prefix}members`, `${prefix}heartbeats`],
    expiries: `${prefix}expiries`,
    slots: [`${prefix}slots`, `${prefix}slot-changes`],
    traces: `${prefix}traces`,
    advertised(id) {
      assertMemberId(id)
      return `${prefix}advertised:${id}`
    },
  }
}
