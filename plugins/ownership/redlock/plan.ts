/**
 * Who is to hold which rank of which slot: a pure function of the entries of members and slots, so that members that have read the
 * same plan the same. Whoever holds a rank keeps it as long as the shares are fair. An open rank goes to the member that placement
 * ranks first for the slot among those that have too few.
 */
import type { SlotEntry } from 'blockgate/members'
import type { Candidates } from './candidates.ts'
import type { SlotRank, Slots } from './slots.ts'

export interface OpenRank extends SlotRank {
  readonly to: string
}

export class Plan {
  /** Ranks that nobody holds, each with the member that is to take it. */
  readonly open: OpenRank[] = []
  readonly #slots: Pick<Slots, 'numbers' | 'of' | 'heldBefore'>
  readonly #candidates: Candidates
  readonly #takers: readonly string[]
  /** Who holds each slot, recorded or planned. */
  readonly #holders: readonly Set<string>[]
  /** How much each candidate holds, recorded or planned. */
  readonly #counts: Map<string, number>

  /** `takers`: candidates that can be expected to take what is open. */
  constructor(slots: Pick<Slots, 'numbers' | 'of' | 'heldBefore'>, candidates: Candidates, takers: readonly string[]) {
    this.#slots = slots
    this.#candidates = candidates
    this.#takers = takers
    this.#counts = new Map(candidates.ids.map(id => [id, 0]))
    this.#holders = slots.numbers.map(() => new Set())
    for (const slot of slots.numbers) for (const { holder } of this.#recorded(slot)) this.#move(slot, undefined, holder)
    this.#fill()
    this.#balance()
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
      this.#move(given.slot, from, to)
    }
  }

  #fill(): void {
    // What others have is not there to be shared out.
    const others = this.#candidates.ids.filter(id => !this.#takers.includes(id)).map(id => this.#count(id))
    const all = others.reduce((left, count) => left - count, this.#holders.length * this.#candidates.copies)
    const share = Math.floor(all / this.#takers.length)
    for (const [slot, holders] of this.#holders.entries()) {
      const recorded = this.#recorded(slot).map(entry => entry.rank)
      for (let rank = 0; holders.size < this.#candidates.copies; rank++) {
        if (recorded.includes(rank)) continue
        const takers = this.#takersOf(slot)
        const before = takers.find(id => id === this.#slots.heldBefore({ slot, rank }))
        const to = before ?? takers.find(id => this.#count(id) < share) ?? this.#fewest(takers)
        if (to === undefined) break
        this.open.push({ slot, rank, to })
        this.#move(slot, undefined, to)
      }
    }
  }

  /** Whoever has too few, and holds the slots that were left, takes over what was planned for somebody else. */
  #balance(): void {
    for (let i = 0; i < this.open.length; i++) {
      const { to, ...rank } = this.open[i] as OpenRank
      const other = this.#fewest(this.#takersOf(rank.slot))
      if (other === undefined || this.#lead(to, other) < 2 || this.#slots.heldBefore(rank) === to) continue
      this.#move(rank.slot, to, other)
      this.open[i] = { ...rank, to: other }
      i = -1
    }
  }

  /** What `from` holds in the slot for which `to` comes first, of those that `to` does not hold. */
  #firstFor(to: string, from: string): SlotRank | undefined {
    let best: { readonly place: number; readonly entry: SlotEntry } | undefined
    for (const [slot, holders] of this.#holders.entries()) {
      if (!holders.has(from) || holders.has(to)) continue
      const entry = this.#recorded(slot).find(({ holder }) => holder === from)
      const place = this.#candidates.order(slot).indexOf(to)
      if (entry && (!best || place < best.place)) best = { place, entry }
    }
    return best?.entry
  }

  #recorded(slot: number): readonly SlotEntry[] {
    return this.#candidates.holders(this.#slots.of(slot))
  }

  /** Who could take a rank of the slot, by placement. */
  #takersOf(slot: number): readonly string[] {
    return this.#candidates.order(slot).filter(id => this.#takers.includes(id) && !this.#holders[slot]?.has(id))
  }

  #move(slot: number, from: string | undefined, to: string): void {
    if (from !== undefined) {
      this.#holders[slot]?.delete(from)
      this.#counts.set(from, this.#count(from) - 1)
    }
    this.#holders[slot]?.add(to)
    this.#counts.set(to, this.#count(to) + 1)
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
