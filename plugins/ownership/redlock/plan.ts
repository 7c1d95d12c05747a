/**
 * Who is to hold which rank of which slot: a pure function of the entries of members and slots, so that members that have read the
 * same plan the same. Whoever holds a rank keeps it as long as the shares are fair. An open rank goes to the member that holds the
 * fewest; of several, to the one that placement ranks first for the slot.
 */
import type { SlotEntry, SlotRank } from 'blockgate/members'
import type { Candidates } from './candidates.ts'
import type { Slots } from './slots.ts'

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
  /** The entries of each slot that count. */
  readonly #entries: readonly (readonly SlotEntry[])[]
  /** Who holds a slot by this plan, where that is not who holds it by the entries. */
  readonly #holders = new Map<number, Set<string>>()
  /** How much each member holds, by the entries or by this plan. */
  readonly #counts = new Map<string, number>()

  /** `takers`: candidates that can be expected to take what is open. */
  constructor(slots: PlannedSlots, candidates: Candidates, takers: readonly string[]) {
    this.#slots = slots
    this.#candidates = candidates
    this.#takers = takers
    this.#entries = slots.numbers.map(slot => candidates.holders(slots.of(slot)))
    for (const entries of this.#entries)
      for (const { holder } of entries) this.#counts.set(holder, this.#count(holder) + 1)
    const may = new Set(takers)
    for (const slot of slots.numbers) if (this.#entriesOf(slot).length < candidates.copies) this.#fill(slot, may)
  }

  /**
   * What a member is to give up now, at most `most`, so that those that have at least two fewer can take it. Others give up theirs at
   * the same time: what those that have more give comes first. Nothing while a rank is open: until it is taken nobody knows who has
   * how many. To be asked once: the plan goes on from what it has answered.
   */
  gives(member: string, most: number): readonly SlotRank[] {
    const given: SlotRank[] = []
    /** What each holds that each can take, the first to go last. */
    const orders = new Map<string, SlotEntry[]>()
    while (given.length < most && this.open.length === 0) {
      const to = this.#fewest(this.#takers)
      const from = this.#most(this.#takers)
      if (from === undefined || to === undefined || this.#lead(from, to) < 2 || this.#lead(member, to) < 2) break
      const key = `${from} ${to}`
      const order = orders.get(key) ?? this.#orderFor(to, from)
      orders.set(key, order)
      const next = this.#nextOf(order, from, to)
      if (!next) break
      if (from === member) given.push(next)
      this.#change(next.slot, from, -1)
      this.#change(next.slot, to, 1)
    }
    return given
  }

  /** Plans who takes the open ranks of a slot, as far as there are takers. */
  #fill(slot: number, may: ReadonlySet<string>): void {
    const holders = this.#holdersOf(slot)
    for (let rank = 0; holders.size < this.#candidates.copies; rank++) {
      if (this.#entriesOf(slot).some(entry => entry.rank === rank)) continue
      const takers = this.#candidates.order(slot).filter(id => may.has(id) && !holders.has(id))
      const before = this.#slots.heldBefore({ slot, rank })
      const to = takers.find(id => id === before) ?? this.#fewest(takers)
      if (to === undefined) return
      this.open.push({ slot, rank, to })
      this.#change(slot, to, 1)
    }
  }

  /** What `from` holds, those slots last for which `to` comes first. */
  #orderFor(to: string, from: string): SlotEntry[] {
    const held = this.#entries.flat().filter(({ holder }) => holder === from)
    const placed = held.map(entry => ({ entry, place: this.#candidates.order(entry.slot).indexOf(to) }))
    return placed.sort((a, b) => b.place - a.place || b.entry.slot - a.entry.slot).map(({ entry }) => entry)
  }

  /** The next that `from` still holds by this plan, and `to` does not. */
  #nextOf(order: SlotEntry[], from: string, to: string): SlotEntry | undefined {
    for (let entry = order.pop(); entry; entry = order.pop()) {
      const holders = this.#holdersOf(entry.slot)
      if (holders.has(from) && !holders.has(to)) return entry
    }
    return undefined
  }

  #entriesOf(slot: number): readonly SlotEntry[] {
    return this.#entries[slot] ?? []
  }

  #holdersOf(slot: number): Set<string> {
    const holders = this.#holders.get(slot) ?? new Set(this.#entriesOf(slot).map(({ holder }) => holder))
    this.#holders.set(slot, holders)
    return holders
  }

  /** It holds the slot by this plan, or does not any more. */
  #change(slot: number, id: string, by: 1 | -1): void {
    this.#holdersOf(slot)[by > 0 ? 'add' : 'delete'](id)
    this.#counts.set(id, this.#count(id) + by)
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
    return ids.reduce<string | undefined>((a, b) => (a === undefined || this.#lead(b, a) < 0 ? b : a), undefined)
  }

  #most(ids: readonly string[]): string | undefined {
    return ids.reduce<string | undefined>((a, b) => (a === undefined || this.#lead(b, a) > 0 ? b : a), undefined)
  }
}
