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

export class UnderReplicated {
  readonly #subject: MetricsSubject
  readonly #handover: Handover
  readonly #isWanted: (block: MeasuredBlock) => boolean
  #epoch: Epoch | undefined
  /** Blocks whose first live owner is another member, in this epoch. */
  #others = new Set<BlockId>()

  constructor(subject: MetricsSubject, handover: Handover) {
    this.#subject = subject
    this.#handover = handover
    this.#isWanted = wanted(subject.plan)
  }

  /** Undefined where the owners cannot be known now, also where there is no block: 0 would be a guess. */
  async count(): Promise<number | undefined> {
    const { plan, blocks, host, guard } = this.#subject
    let count = 0
    try {
      if (this.#handover.known?.() === false) return undefined
      const epoch = plan.ownership.epoch()
      if (epoch !== this.#epoch) this.#others = new Set()
      this.#epoch = epoch
      await inSlices(host, blocks(), block => {
        const meta = block.candidate?.meta
        if (!meta || !this.#isWanted(block) || this.#others.has(meta.ulid)) return
        if (this.#lacksCopies(meta)) count++
      })
    } catch (error) {
      const rethrow = () => {
        throw error
      }
      if (!isOwnershipUnavailable(error)) guard('handover.owners', rethrow)
      return undefined
    }
    return count
  }

  #lacksCopies(meta: BlockMeta): boolean {
    const owners = this.#handover.owners(meta)
    if (owners.find(owner => owner.live)?.member !== this.#subject.instance.id) {
      // The epoch may have moved while others had their turn: then the answer is not of the epoch of #others.
      if (this.#subject.plan.ownership.epoch() === this.#epoch) this.#others.add(meta.ulid)
      return false
    }
    const targets = owners.filter(owner => owner.target).length
    return owners.filter(owner => owner.live && owner.serves).length < targets
  }
}

/** A skip counts where owned() or the sink made it: what a filter keeps out is nobody's to serve. */
function wanted({ segments, sink }: Plan): (block: MeasuredBlock) => boolean {
  const owned = segments.flatMap(({ stages }) => stages).find(({ stage }) => ownershipOf(stage))
  return ({ state, by }) => WANTED.has(state) || (state === 'skipped' && (by === owned?.name || by === sink.name))
}
