/** Who sits in which slot, as the records say it: worked out here once more, beside the code under test. */
import type { BlockMeta } from 'blockgate'
import type { EntriesView, SlotEntry, SlotView } from 'blockgate/members'
import { slotOf } from '../../plugins/ownership/redlock/slots.ts'

/** What one process has read, or what the store has. */
export interface Records {
  readonly record: EntriesView
  readonly slots: SlotView
}

/** Members that may have seats. */
export function eligible({ members }: EntriesView): ReadonlySet<string> {
  return new Set([...members.values()].filter(({ placed, draining }) => placed && !draining).map(({ id }) => id))
}

/** All records of the slot, by rank. */
export function ofSlot({ slots }: SlotView, slot: number): readonly SlotEntry[] {
  return slots.filter(record => record.slot === slot).sort((a, b) => a.rank - b.rank)
}

export class Seats {
  readonly #slots: number
  readonly #replicas: number

  constructor(slots: number, replicas: number) {
    this.#slots = slots
    this.#replicas = replicas
  }

  slotOf({ ulid }: BlockMeta): number {
    return slotOf(ulid, this.#slots)
  }

  /** How many members hold each slot where everything is well. */
  copies(record: EntriesView): number {
    return Math.min(this.#replicas, eligible(record).size)
  }

  get slots(): readonly number[] {
    return Array.from({ length: this.#slots }, (_, slot) => slot)
  }

  /** Who sits there: a member that may, each once. */
  sitting({ record, slots }: Records, slot: number): readonly string[] {
    const may = eligible(record)
    const ranks = ofSlot(slots, slot).filter(({ rank, holder }) => rank < this.#replicas && may.has(holder))
    return [...new Set(ranks.map(({ holder }) => holder))]
  }

  /** Whether `id` may begin to load the block: it sits there, or all who do are down. */
  mayLoad(records: Records, block: BlockMeta, id: string): boolean {
    const sitting = this.sitting(records, this.slotOf(block))
    const up = (member: string) => records.record.members.get(member)?.state !== 'down'
    return sitting.includes(id) || (sitting.length > 0 && !sitting.some(up))
  }
}
