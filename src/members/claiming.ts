/** The answer to a claim, for plugins over a member store. */
import type { BlockMeta } from '../contracts/block.ts'
import type { Claim, Epoch } from '../contracts/ownership.ts'
import type { Assigned } from './assigned.ts'
import type { LeasedLock, Leases } from './leases.ts'
import type { Membership } from './membership.ts'

export interface Claimed {
  readonly membership: Membership
  readonly leases: Leases
  /** By the last look. */
  readonly assigned: Assigned
  /** The version of the answer. */
  readonly epoch: Epoch
  /** What an owner must hold beside its place. @throws OwnershipUnavailable where it does not hold it */
  readonly lock?: (() => LeasedLock) | undefined
}

/**
 * Granted to an owner; and to the failover owner of owners that are all down, unless another live member serves the block or the cluster
 * is frozen: then a takeover must wait.
 * @throws OwnershipUnavailable where it is not known who owns what
 */
export function claimOf(block: BlockMeta, { membership, leases, assigned, epoch, lock }: Claimed): Claim {
  const view = membership.mustKnow()
  const { me } = membership
  const { targets, failoverOwner } = assigned
  const denied = (reason: string): Claim => ({ status: 'denied', epoch, reason, owners: targets })
  if (view.member(me)?.draining) return denied('draining')
  if (targets.includes(me)) return { status: 'granted', epoch, lease: leases.grant(block, lock?.()) }
  if (failoverOwner !== me) return denied('not-owner')
  const served = [...view.live].some(id => id !== me && membership.serves(id, block.ulid))
  if (served || view.frozen) return denied('not-owner')
  return { status: 'granted', epoch, lease: leases.grant(block) }
}
