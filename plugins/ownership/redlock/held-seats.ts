/** The seats that this process has locked and recorded, and the renewal of their locks. */
import type { Host } from 'blockgate'
import { eachBounded, elapsed, type Fence, type LeasedLock, type Mark, mark } from 'blockgate/members'
import type { Lock } from './lock.ts'
import { type Seat, type SeatKey, seatKey } from './seats.ts'

/** Locks that are renewed at once: requests of one turn of the event loop share a packet. */
const AT_ONCE = 256

/** Renewals are spread by up to this share of a third of the TTL. */
const JITTER = 0.1

export interface Held {
  readonly seat: Seat
  readonly lock: Lock
  readonly fence: Fence
  /** Readings of the records that had begun when the store had answered: a later one must show this seat. */
  readonly begun: number
  /** When it was locked or renewed last: before the request. */
  at: Mark
  /** ms after `at`. */
  readonly renewAfter: number
}

/** What became of renewals, one by one. */
export interface Heard {
  extended(): void
  failed(error: unknown): void
}

export class HeldSeats {
  readonly #host: Host
  readonly #ttlMs: number
  readonly #held = new Map<SeatKey, Held>()

  constructor(host: Host, ttlMs: number) {
    this.#host = host
    this.#ttlMs = ttlMs
  }

  get size(): number {
    return this.#held.size
  }

  add(held: Omit<Held, 'renewAfter'>): void {
    const renewAfter = (this.#ttlMs / 3) * (1 - JITTER + 2 * JITTER * this.#host.random())
    this.#held.set(seatKey(held.seat), { ...held, renewAfter })
  }

  of(seat: Seat): Held | undefined {
    return this.#held.get(seatKey(seat))
  }

  all(): readonly Held[] {
    return [...this.#held.values()]
  }

  /** Whether a seat of the slot is held, of ranks below `replicas`. */
  inSlot(slot: number, replicas: number): boolean {
    for (let rank = 0; rank < replicas; rank++) if (this.of({ slot, rank })) return true
    return false
  }

  /** What is held of the slot, of ranks below `replicas`; undefined where no lock is valid now. */
  lockOf(slot: number, replicas: number): LeasedLock | undefined {
    for (let rank = 0; rank < replicas; rank++) {
      const held = this.of({ slot, rank })
      if (held?.lock.valid) return leased(held)
    }
    return undefined
  }

  /** Gives locks back. Never rejects. */
  async letGo(held: readonly Held[]): Promise<void> {
    for (const { seat } of held) this.#held.delete(seatKey(seat))
    await Promise.all(held.map(({ lock }) => lock.release()))
  }

  /**
   * Renews what is due.
   * @returns whether one was lost
   */
  async renew(heard: Heard): Promise<boolean> {
    const now = mark(this.#host)
    const due = this.all().filter(({ at, renewAfter }) => elapsed(at, now) >= renewAfter)
    await eachBounded(due, AT_ONCE, async held => {
      const at = mark(this.#host)
      try {
        if ((await held.lock.extend()) !== 'extended') return
        held.at = at
        heard.extended()
      } catch (error) {
        heard.failed(error)
      }
    })
    return due.some(({ lock }) => !lock.valid)
  }
}

function leased({ lock, fence }: Held): LeasedLock {
  return {
    fence,
    signal: lock.signal,
    get valid() {
      return lock.valid
    },
  }
}
