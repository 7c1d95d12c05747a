/**
 * Calls of a listing to the file system: now, while what they ask for is in memory, as a call through the thread pool costs thrice the CPU;
 * through the thread pool where one was slow, and where the event loop has waited for long enough.
 */
import type { Host } from 'blockgate'

/** How long the event loop may wait for calls, ms. */
const TURN_MS = 2
/** A call that took longer was not in memory, ms. */
const SLOW_MS = 0.5
/** So many go through the thread pool after a slow one. */
const LATER = 64

export class Pace {
  /** Without one, all calls go through the thread pool. */
  host: Pick<Host, 'monotonic'> | undefined
  #later = 0
  /** When a call last came back from the thread pool, or the first one was made. */
  #turn: number | undefined

  /** What `now` gives, or `later`: the same, by another way. */
  async call<T>(now: () => T, later: () => Promise<T>): Promise<T> {
    const { host } = this
    if (!host) return await later()
    const began = host.monotonic()
    this.#turn ??= began
    if (this.#later === 0 && began - this.#turn <= TURN_MS) {
      try {
        return now()
      } finally {
        if (host.monotonic() - began > SLOW_MS) this.#later = LATER
      }
    }
    this.#later = Math.max(0, this.#later - 1)
    try {
      return await later()
    } finally {
      this.#turn = host.monotonic()
    }
  }
}
