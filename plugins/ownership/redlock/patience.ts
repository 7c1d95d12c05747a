/**
 * How long others are waited for. A member that leaves open what it is to take, though it is up, cannot reach the lock servers, or
 * sees another plan: it is passed over for a while, so that the next one takes it. That makes it rank × 2 s for the one after it.
 */
import type { Host } from 'blockgate'
import { elapsed, type Fence, type Mark, mark, type SlotEntry } from 'blockgate/members'
import type { OpenSeat } from './plan.ts'
import { type SeatKey, seatKey } from './seats.ts'

/** For a member that takes nothing of what is open for it. */
const WAIT_MS = 2_000
/** For how long it is passed over. */
const OVER_MS = 60_000

export class Patience {
  readonly #host: Host
  /** Since when each seat is open for the same member. */
  readonly #open = new Map<SeatKey, { readonly to: string; since: Mark }>()
  readonly #over = new Map<string, Mark>()
  /** The lock servers could not be reached from here: what others do not take says nothing. */
  #blind = false
  /** The newest record of each member, and when it was seen first. */
  readonly #newest = new Map<string, { readonly fence: Fence; readonly since: Mark }>()

  constructor(host: Host) {
    this.#host = host
  }

  /** Whoever was recorded anew is at work. */
  progress(records: Iterable<SlotEntry>): void {
    const now = mark(this.#host)
    for (const { holder, fence } of records) {
      if (holder !== '' && fence > (this.#newest.get(holder)?.fence ?? 0))
        this.#newest.set(holder, { fence, since: now })
    }
  }

  /** Whether the member is passed over now. */
  over(id: string): boolean {
    const since = this.#over.get(id)
    if (since && elapsed(since, mark(this.#host)) >= OVER_MS) this.#over.delete(id)
    return this.#over.has(id)
  }

  /**
   * Notes what is open, and for whom.
   * @returns whether somebody is passed over from now on: then plan anew
   */
  wait(open: readonly OpenSeat[]): boolean {
    const now = mark(this.#host)
    const seats = new Map(open.map(seat => [seatKey(seat), seat]))
    for (const [key, { to }] of this.#open) if (seats.get(key)?.to !== to) this.#open.delete(key)
    let news = false
    for (const [key, { to }] of seats) {
      const known = this.#open.get(key)
      if (!known) this.#open.set(key, { to, since: now })
      else if (!this.#blind && !this.over(to) && this.#idle(to, known.since, now)) {
        this.#over.set(to, now)
        news = true
      }
    }
    return news
  }

  /** Somebody has locked the seat. */
  busy(key: SeatKey): void {
    this.#open.delete(key)
  }

  /** The fault may be here: all are waited for once more, from when the lock servers can be reached from here. */
  forgive(): void {
    this.#blind = true
    this.#over.clear()
  }

  /** The lock servers have answered. */
  reached(): void {
    if (this.#blind) this.#open.clear()
    this.#blind = false
  }

  #idle(id: string, since: Mark, now: Mark): boolean {
    const worked = this.#newest.get(id)?.since
    return elapsed(since, now) >= WAIT_MS && (!worked || elapsed(worked, now) >= WAIT_MS)
  }
}
