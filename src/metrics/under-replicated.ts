/**
 * How many blocks have fewer copies than owners. Each is counted by its first live owner alone, so that the sum over all
 * gateways is right. Asking for the owners of a block takes some 10 µs, and 50 µs among a hundred members: so a block that is
 * somebody else's to count is asked for once an epoch, and others get their turn in between.
 */
import { inSlices } from '../async/slices.ts'
import type { BlockId, BlockMeta } from '../contracts/block.ts'
import { isOwnershipUnavailable } from '../contracts/errors.ts'
import type { MeasuredBlock, MetricsSubject } from '../contracts/metrics.ts'
import type { Epoch, Handover } from '../contracts/ownership.ts'
import type { Plan } from '../contracts/plan.ts'
import { ownershipOf } from '../pipeline/owned.ts'

/** Of a block that is, or is to be, in somebody's hands. One that lingers is counted by those who are to have it. */
const WANTED: ReadonlySet<string> = new Set(['pending', 'loading', 'serving', 'failed'])

export class UnderReplicated {
  readonly #subject: MetricsSubject
  readonly #handover: Handover
  readonly #isWanted: (block: MeasuredBlock) => boolean
  #epoch: Epoch | undefined
  /** Whose first live owner is another member, in this epoch. */
  #others = new Set<BlockId>()

  constructor(subject: MetricsSubject, handover: Handover) {
    this.#subject = subject
    this.#handover = handover
    this.#isWanted = wanted(subject.plan)
  }

  /** Undefined where the owners cannot be known now. */
  async count(): Promise<number | undefined> {
    const { plan, blocks, host } = this.#subject
    let count = 0
    try {
      // Asked for also where there is no block: 0 would be a guess.
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
      if (!isOwnershipUnavailable(error)) {
        this.#subject.guard('handover.owners', () => {
          throw error
        })
      }
      return undefined
    }
    return count
  }

  #lacksCopies(meta: BlockMeta): boolean {
    const owners = this.#handover.owners(meta)
    if (owners.find(owner => owner.live)?.member !== this.#subject.instance.id) {
      // An epoch that came meanwhile has a set of its own.
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
