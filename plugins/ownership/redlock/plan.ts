/**
 * Who is to have which seat: a pure function of the member record and the slot records, so that members that see the same plan the
 * same. What is taken stays where it is, as long as the shares are fair; an open seat goes to whom placement ranks first for the slot
 * among those who have too few.
 */
import type { SlotEntry } from 'blockgate/members'
import type { Seat } from './seats.ts'
import type { SlotOrder } from './slot-of.ts'

export interface PlanInput {
  readonly slots: number
  readonly me: string
  /** Copies of a block. Where there are fewer members, there are fewer copies. */
  readonly replicas: number
  /** Who may have seats, by id. */
  readonly members: readonly string[]
  /** Of these, who is up. */
  readonly live: ReadonlySet<string>
  /** Of those that are up, who can be expected to take a seat. */
  readonly takers: ReadonlySet<string>
  /** The records of a slot that count, by rank. */
  readonly seated: (slot: number) => readonly SlotEntry[]
  /** Who goes first for an open seat, and may be one too many for it: whoever had it before its record was lost; `''`: nobody. */
  readonly first: (seat: Seat) => string
  readonly order: SlotOrder
}

export interface OpenSeat extends Seat {
  readonly to: string
}

/** Each member's count of seats, as the plan goes on, and what is fair for those who can take some. */
class Shares {
  readonly #counts: Map<string, number>
  #least = 0
  /** How many may have one more than the least. */
  #extra = 0
  #above = 0

  constructor(members: readonly string[]) {
    this.#counts = new Map(members.map(id => [id, 0]))
  }

  /** What others have is not there to be shared out. `seats`: of all. */
  shareOut(seats: number, takers: ReadonlySet<string>): void {
    let left = seats
    for (const [id, count] of this.#counts) if (!takers.has(id)) left -= count
    this.#least = Math.floor(left / takers.size)
    this.#extra = left % takers.size
    this.#above = [...takers].filter(id => this.of(id) > this.#least).length
  }

  of(id: string): number {
    return this.#counts.get(id) ?? 0
  }

  add(id: string, change: 1 | -1): void {
    const count = this.of(id) + change
    this.#counts.set(id, count)
    if (change === 1 && count === this.#least + 1) this.#above++
    if (change === -1 && count === this.#least) this.#above--
  }

  /** The first who has too few; else the first who may have one more than the least. */
  next(candidates: readonly string[]): string | undefined {
    const few = candidates.find(id => this.of(id) < this.#least)
    if (few !== undefined || this.#above >= this.#extra) return few
    return candidates.find(id => this.of(id) === this.#least)
  }

  /** The first of those with the smallest count. */
  fewest(ids: Iterable<string>): string | undefined {
    let found: string | undefined
    for (const id of ids) if (found === undefined || this.of(id) < this.of(found)) found = id
    return found
  }

  /** The first of those with the largest count. */
  most(ids: Iterable<string>): string | undefined {
    let found: string | undefined
    for (const id of ids) if (found === undefined || this.of(id) > this.of(found)) found = id
    return found
  }
}

export class Plan {
  /** Seats that nobody has, each with the member that is to take it. */
  readonly open: readonly OpenSeat[]
  /**
   * What this member is to give up next, so that somebody with at least two fewer can take it. Others give up theirs at the same
   * time: what they are to give before it is counted.
   */
  readonly gives: Seat | undefined
  readonly #input: PlanInput
  readonly #shares: Shares
  /** Who sits in each slot, planned or recorded. */
  readonly #sitting: readonly Set<string>[]

  constructor(input: PlanInput) {
    const { slots, replicas, members, takers, seated } = input
    const copies = Math.min(replicas, members.length)
    this.#input = input
    this.#shares = new Shares(members)
    this.#sitting = Array.from({ length: slots }, (_, slot) => new Set(seated(slot).map(({ holder }) => holder)))
    for (const sitting of this.#sitting) for (const id of sitting) this.#shares.add(id, 1)
    this.#shares.shareOut(slots * copies, takers)
    const open: OpenSeat[] = []
    for (const [slot, sitting] of this.#sitting.entries()) {
      if (sitting.size >= copies) continue
      const taken = new Set(seated(slot).map(record => record.rank))
      for (let rank = 0; rank < replicas && sitting.size < copies; rank++) {
        if (taken.has(rank)) continue
        const to = this.#taker({ slot, rank }, open)
        if (to === undefined) break
        open.push({ slot, rank, to })
        this.#sit(slot, to)
      }
    }
    this.open = open
    this.gives = this.#gives()
  }

  #sit(slot: number, id: string): void {
    this.#sitting[slot]?.add(id)
    this.#shares.add(id, 1)
  }

  #candidates(slot: number): readonly string[] {
    const { order, takers } = this.#input
    return order.of(slot).filter(id => takers.has(id) && !this.#sitting[slot]?.has(id))
  }

  #taker(seat: Seat, open: OpenSeat[]): string | undefined {
    const candidates = this.#candidates(seat.slot)
    const before = this.#input.first(seat)
    if (candidates.includes(before)) return before
    return this.#shares.next(candidates) ?? this.#swapped(candidates, open) ?? this.#shares.fewest(candidates)
  }

  /**
   * All who have too few sit in the slot already: one of them takes over what was just planned for somebody else, who is free for
   * this slot then.
   */
  #swapped(candidates: readonly string[], open: OpenSeat[]): string | undefined {
    for (const [i, { slot, rank, to }] of open.entries()) {
      if (!candidates.includes(to) || to === this.#input.first({ slot, rank })) continue
      const other = this.#shares.next(this.#candidates(slot))
      if (other === undefined) continue
      open[i] = { slot, rank, to: other }
      this.#sitting[slot]?.delete(to)
      this.#shares.add(to, -1)
      this.#sit(slot, other)
      return to
    }
    return undefined
  }

  #gives(): Seat | undefined {
    const { me, live, takers } = this.#input
    const shares = this.#shares
    const poorest = shares.fewest(takers)
    if (!live.has(me) || poorest === undefined || shares.of(me) - shares.of(poorest) < 2) return undefined
    for (;;) {
      const [from, to] = [shares.most(live), shares.fewest(takers)]
      if (from === undefined || to === undefined || shares.of(from) - shares.of(to) < 2) return undefined
      const seat = this.#handed(from, to)
      if (seat === undefined || from === me) return seat
      shares.add(from, -1)
      shares.add(to, 1)
      this.#sitting[seat.slot]?.delete(from)
      this.#sitting[seat.slot]?.add(to)
    }
  }

  /** The recorded seat of `from` in whose slot `to` comes first, of those in which it does not sit yet. */
  #handed(from: string, to: string): Seat | undefined {
    const { seated, order } = this.#input
    let best: { readonly place: number; readonly seat: Seat } | undefined
    for (const [slot, sitting] of this.#sitting.entries()) {
      if (!sitting.has(from) || sitting.has(to)) continue
      const record = seated(slot).find(({ holder }) => holder === from)
      const place = order.of(slot).indexOf(to)
      if (record && (best === undefined || place < best.place)) best = { place, seat: { slot, rank: record.rank } }
    }
    return best?.seat
  }
}
