/** The answer to a claim: arithmetic over the last look at the members. */
import type { BlockMeta, Claim, Epoch } from 'blockgate'
import type { Leases, Membership, RecordView } from 'blockgate/members'
import type { Assignment } from './assignments.ts'

/**
 * Granted to a target; and to the stand-in of targets that are all down, unless another live member serves the block or the
 * cluster is frozen: then a takeover must wait.
 * @throws OwnershipUnavailable where it is not known who owns what
 */
export function claimOf(
  block: BlockMeta,
  membership: Membership,
  leases: Leases,
  assign: (block: BlockMeta, record: RecordView) => Assignment,
): Claim {
  const view = membership.mustKnow()
  const epoch: Epoch = view.epoch
  const { mine, standingIn, targets } = assign(block, view.record)
  const denied = (reason: string): Claim => ({ status: 'denied', epoch, reason, owners: targets })
  if (view.member(membership.me)?.draining) return denied('draining')
  if (!mine && !standingIn) return denied('not-owner')
  if (!mine) {
    const served = [...view.live].some(id => id !== membership.me && membership.serves(id, block.ulid))
    if (served || view.frozen) return denied('not-owner')
  }
  return { status: 'granted', epoch, lease: leases.grant(block) }
}
