/**
 * How many blocks have fewer copies than owners. Each is counted by its first live owner alone, so that the sum over all
 * gateways is right. Asking for the owners of a block takes some 10 µs, and 50 µs among a hundred members. So a block that
 * another member counts is asked for once an epoch, and other work gets its turn in between.
 */
import { inSlices } from '../async/slices.ts'
import type { BlockId, BlockMeta } from '../contracts/block.ts'
import { isOwnershipUnavailable } from '../contracts/errors.ts'
import type { MeasuredBlock, MetricsSubject } from '../contracts/metrics.ts'
import type { Epoch, Handover } from '../contracts/ownership.ts'
import type { Plan } from '../contracts/plan.ts'
import { ownershipOf } from '../pipeline/owned.ts'

/** States of a block that somebody is to serve here. A pending hand-off is counted by those who are to have the block. */
const WANTED: ReadonlySet<string> = new Set(['pending', 'loading', 'serving', 'failed'])

/** @returns a function that counts them; it gives undefined where the owners cannot be known now, also where there is no block */
export function underReplicated(subject: MetricsSubject, handover: Handover): () => Promise<number | undefined> {
  const { plan, host, instance, guard } = subject
  const isWanted = wanted(plan)
  let epoch: Epoch | undefined
  /** Blocks whose first live owner is another member, in this epoch. */
  let others = new Set<BlockId>()
  const lacksCopies = (meta: BlockMeta): boolean => {
    const owners = handover.owners(meta)
    if (owners.find(owner => owner.live)?.member !== instance.id) {
      // While others had their turn the epoch may have moved: then this is no answer of the epoch of `others`.
      if (plan.ownership.epoch() === epoch) others.add(meta.ulid)
      return false
    }
    const targets = owners.filter(owner => owner.target).length
    return owners.filter(owner => owner.live && owner.serves).length < targets
  }
  const count = async (): Promise<number | undefined> => {
    if (handover.known?.() === false) return undefined
    const now = plan.ownership.epoch()
    if (now !== epoch) others = new Set()
    epoch = now
    let blocks = 0
    await inSlices(host, subject.blocks(), block => {
      const meta = block.candidate?.meta
      if (meta && isWanted(block) && !others.has(meta.ulid) && lacksCopies(meta)) blocks++
    })
    return blocks
  }
  return () =>
    count().catch((error: unknown) => {
      const rethrow = () => {
        throw error
      }
      if (!isOwnershipUnavailable(error)) guard('handover.owners', rethrow)
      return undefined
    })
}

/** A skipped block counts where owned() or the sink skipped it: a block that a filter keeps out has no owner. */
function wanted({ segments, sink }: Plan): (block: MeasuredBlock) => boolean {
  const owned = segments.flatMap(({ stages }) => stages).find(({ stage }) => ownershipOf(stage))
  return ({ state, by }) => WANTED.has(state) || (state === 'skipped' && (by === owned?.name || by === sink.name))
}
