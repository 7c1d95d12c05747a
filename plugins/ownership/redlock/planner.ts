/** The plan as this member sees it now: by the records, and by who is waited for. */
import type { MembersView } from 'blockgate/members'
import type { Seating } from './assign.ts'
import type { Patience } from './patience.ts'
import { Plan } from './plan.ts'
import { type Seat, seatKey } from './seats.ts'
import type { SlotBook } from './slot-book.ts'

export interface PlannerOptions {
  readonly book: SlotBook
  readonly patience: Patience
  readonly slots: number
  readonly replicas: number
  /** The id of this member. */
  readonly me: () => string
}

export class Planner {
  readonly #options: PlannerOptions

  constructor(options: PlannerOptions) {
    this.#options = options
  }

  /** The seats that the records say this member has. */
  own(seating: Seating): readonly Seat[] {
    const { book, slots, me } = this.#options
    const own: Seat[] = []
    for (let slot = 0; slot < slots; slot++) {
      const record = seating.seated(book.of(slot)).find(({ holder }) => holder === me())
      if (record) own.push({ slot, rank: record.rank })
    }
    return own
  }

  /** Whoever leaves open what is its to take is passed over for a while. */
  plan(view: MembersView, seating: Seating): Plan {
    const { book, patience, slots, replicas } = this.#options
    const me = this.#options.me()
    const live = new Set(seating.members.filter(id => view.live.has(id)))
    const seated = (slot: number) => seating.seated(book.of(slot))
    const first = (seat: Seat) => {
      const recorded = book.of(seat.slot).some(({ rank }) => rank === seat.rank)
      return recorded ? '' : book.remembered(seatKey(seat))
    }
    patience.progress(book.all())
    for (;;) {
      const takers = new Set([...live].filter(id => id === me || !patience.over(id)))
      const { members, order } = seating
      const plan = new Plan({ slots, replicas, me, members, live, takers, seated, first, order })
      if (!patience.wait(plan.open.filter(({ to }) => to !== me))) return plan
    }
  }
}
