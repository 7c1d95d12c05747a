/**
 * Who is to hold which rank of which slot: a pure function of the entries of members and slots, so that members that have read the
 * same plan the same. Whoever holds a rank keeps it as long as the shares are fair. An open rank goes to the member that holds the
 * fewest; of several, to the one that placement ranks first for the slot.
 */
import type { SlotEntry } from 'blockgate/members'
import type { Candidates } from './candidates.ts'
import type { SlotRank, Slots } from './slots.ts'

export interface OpenRank extends SlotRank {
  readonly to: string
}

/** What is asked of the slots. */
export type PlannedSlots = Pick<Slots, 'numbers' | 'of' | 'heldBefore'>

export class Plan {
  /** Ranks that nobody holds, each with the member that is to take it. */
  readonly open: OpenRank[] = []
  readonly #slots: PlannedSlots
  readonly #candidates: Candidates
  readonly #takers: readonly string[]
  /** The entries of each slot that count, and who holds it by them or by this plan. */
  readonly #entries: readonly (readonly SlotEntry[])[]
  readonly #holders: readonly Set<string>[]
  /** How much each member holds, by the entries or by this plan. */
  readonly #counts = new Map<string, number>()

  /** `takers`: candidates that can be expected to take what is open. */
  constructor(slots: PlannedSlots, candidates: Candidates, takers: readonly string[]) {
    this.#slots = slots
    this.#candidates = candidates
    this.#takers = takers
    this.#entries = slots.numbers.map(slot => candidates.holders(slots.of(slot)))
    this.#holders = slots.numbers.map(() => new Set())
    for (const { slot, holder } of this.#entries.flat()) this.#add(slot, holder)
    for (const slot of slots.numbers) this.#fill(slot)
  }

  /**
   * What a member is to give up now, so that somebody who has at least two fewer can take it. Others give up one each at the same
   * time: what those that have more give comes first. Nothing while a rank is open: until it is taken nobody knows who has how many.
   */
  gives(member: string): SlotRank | undefined {
    for (;;) {
      const [from, to] = [this.#most(this.#takers), this.#fewest(this.#takers)]
      if (from === undefined || to === undefined || this.open.length > 0) return undefined
      if (this.#lead(from, to) < 2 || this.#lead(member, to) < 2) return undefined
      const given = this.#firstFor(to, from)
      if (!given || from === member) return given
      this.#holders[given.slot]?.delete(from)
      this.#counts.set(from, this.#count(from) - 1)
      this.#add(given.slot, to)
    }
  }

  /** Plans who takes the open ranks of a slot, as far as there are takers. */
  #fill(slot: number): void {
    const holders = this.#holders[slot] ?? new Set()
    for (let rank = 0; holders.size < this.#candidates.copies; rank++) {
      if (this.#entries[slot]?.some(entry => entry.rank === rank)) continue
      const takers = this.#candidates.order(slot).filter(id => this.#takers.includes(id) && !holders.has(id))
      const before = this.#slots.heldBefore({ slot, rank })
      const to = takers.find(id => id === before) ?? this.#fewest(takers)
      if (to === undefined) return
      this.open.push({ slot, rank, to })
      this.#add(slot, to)
    }
  }

  /** What `from` holds in the slot for which `to` comes first, of those that `to` does not hold. */
  #firstFor(to: string, from: string): SlotRank | undefined {
    const place = ({ slot }: SlotEntry) => this.#candidates.order(slot).indexOf(to)
    const can = ({ slot, holder }: SlotEntry) => {
      const holders = this.#holders[slot]
      return holder === from && holders?.has(from) && !holders.has(to)
    }
    const entries = this.#entries.flat().filter(can)
    return entries.toSorted((a, b) => place(a) - place(b))[0]
  }

  #add(slot: number, id: string): void {
    this.#holders[slot]?.add(id)
    this.#counts.set(id, this.#count(id) + 1)
  }

  #count(id: string): number {
    return this.#counts.get(id) ?? 0
  }

  /** How many more `a` holds. */
  #lead(a: string, b: string): number {
    return this.#count(a) - this.#count(b)
  }

  /** The first of those that hold the fewest. */
  #fewest(ids: readonly string[]): string | undefined {
    return ids.toSorted((a, b) => this.#lead(a, b))[0]
  }

  #most(ids: readonly string[]): string | undefined {
    return ids.toSorted((a, b) => this.#lead(b, a))[0]
  }
}
