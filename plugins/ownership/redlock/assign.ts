/** Who is to hold a block: who sits in its slot, by the records. */
import { type BlockMeta, OwnershipUnavailable } from 'blockgate'
import type { Assigned, EntriesView, SlotEntry } from 'blockgate/members'
import { eligible, seated } from './seats.ts'
import type { SlotBook } from './slot-book.ts'
import { SlotOrder } from './slot-of.ts'

/** What follows from one member record. */
export class Seating {
  readonly record: EntriesView
  /** Who may have seats, by id. */
  readonly members: readonly string[]
  readonly order: SlotOrder
  readonly #mayHave: ReadonlySet<string>
  readonly #replicas: number

  constructor(record: EntriesView, replicas: number) {
    this.record = record
    this.members = eligible(record)
    this.order = new SlotOrder(this.members)
    this.#mayHave = new Set(this.members)
    this.#replicas = replicas
  }

  /** Copies of each block that there can be. */
  get copies(): number {
    return Math.min(this.#replicas, this.members.length)
  }

  seated(records: readonly SlotEntry[]): readonly SlotEntry[] {
    return seated(records, this.#replicas, this.#mayHave)
  }

  isLive(id: string): boolean {
    return this.record.members.get(id)?.state !== 'down'
  }
}

export class SlotAssignments {
  readonly #book: SlotBook
  readonly #replicas: number
  #last: Seating | undefined

  constructor(book: SlotBook, replicas: number) {
    this.#book = book
    this.#replicas = replicas
  }

  seating(record: EntriesView): Seating {
    if (this.#last?.record !== record) this.#last = new Seating(record, this.#replicas)
    return this.#last
  }

  /** As the shared library asks it. A slot in which somebody is still to sit down is incomplete: nobody lets go of its blocks. */
  of(block: BlockMeta, record: EntriesView): Assigned {
    const seating = this.seating(record)
    const slot = this.#book.slotOf(block)
    const records = this.#book.of(slot)
    const targets = seating.seated(records).map(({ holder }) => holder)
    const order = seating.order.of(slot)
    const allDown = targets.length > 0 && !targets.some(id => seating.isLive(id))
    return {
      targets,
      failoverOwner: allDown ? order.find(id => seating.isLive(id)) : undefined,
      ranked: [...targets, ...order.filter(id => !targets.includes(id))],
      incomplete: targets.length < seating.copies,
      precondition: { slot, holders: records.map(({ rank, holder, fence }) => ({ rank, holder, fence })) },
    }
  }

  /** @throws OwnershipUnavailable where nobody sits in the block's slot yet, though somebody is to */
  mustKnow(block: BlockMeta, record: EntriesView): Assigned {
    const assigned = this.of(block, record)
    if (assigned.targets.length > 0 || this.seating(record).copies === 0) return assigned
    throw new OwnershipUnavailable(`slot ${this.#book.slotOf(block)} must be held by somebody: nobody holds it yet`)
  }
}
