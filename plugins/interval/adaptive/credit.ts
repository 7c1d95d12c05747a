/** A bucket of requests: it fills evenly, and each listing takes what it costs. */

const DAY = 86_400_000
/** What quiet hours save is for the next wave of blocks; waves come every two hours. */
const CAPACITY = 1 / 16

export class Credit {
  /** Requests that it holds at most. */
  readonly capacity: number
  /** Requests a millisecond. With a full bucket at its beginning a day never has more than the budget. */
  readonly rate: number
  #level: number
  #at: number | undefined

  constructor(requestsPerDay: number) {
    this.capacity = requestsPerDay * CAPACITY
    this.rate = (requestsPerDay - this.capacity) / DAY
    this.#level = this.capacity
  }

  /** `now`: ms of the monotonic clock. What a listing costs is known only when it has ended, so there may be debts. */
  spend(requests: number, now: number): void {
    this.#fill(now)
    this.#level -= requests
  }

  /** Ms from `now` until there are `requests`, or all that fit. */
  waitFor(requests: number, now: number): number {
    this.#fill(now)
    return Math.max(0, (Math.min(requests, this.capacity) - this.#level) / this.rate)
  }

  /** How much of a quarter of what it holds is left above `requests`: from 0 to 1. */
  ease(requests: number): number {
    return Math.min(1, Math.max(0, (this.#level - requests) / (this.capacity / 4)))
  }

  #fill(now: number): void {
    const ms = Math.max(0, now - (this.#at ?? now))
    this.#at = now
    this.#level = Math.min(this.capacity, this.#level + ms * this.rate)
  }
}
