/** How long this process may stand still between a look at a lock and what it does on it, as far as its own timers tell. */
import type { Host } from 'blockgate'
import { elapsed, mark } from 'blockgate/members'

const LEAST_MS = 250

/** Whatever its pauses are, this part of a lock's TTL at most goes to the margin: a lock that is never valid is worth nothing. */
const MOST = 0.25

const EVERY_MS = 250
const SAMPLES = 1_000
const PERCENTILE = 0.999

export class PauseMargin {
  readonly #ttlMs: number
  /** How late the last timers fired, in ms; a ring. */
  readonly #late = new Float64Array(SAMPLES)
  #count = 0
  #margin: number | undefined
  #timer: Disposable | undefined

  constructor(ttlMs: number) {
    this.#ttlMs = ttlMs
  }

  start(host: Host): void {
    const armed = mark(host)
    this.#timer = host.setTimer(EVERY_MS, () => {
      this.#late[this.#count++ % SAMPLES] = Math.max(0, elapsed(armed, mark(host)) - EVERY_MS)
      this.#margin = undefined
      this.start(host)
    })
  }

  /** Safe twice, and without start. */
  stop(): void {
    this.#timer?.[Symbol.dispose]()
  }

  /** The larger of 250 ms and the 99.9th percentile of how late timers fired, in ms; at most a quarter of the TTL. */
  get ms(): number {
    this.#margin ??= Math.min(this.#ttlMs * MOST, Math.max(LEAST_MS, this.#percentile()))
    return this.#margin
  }

  #percentile(): number {
    const sorted = this.#late.slice(0, Math.min(this.#count, SAMPLES)).sort()
    return sorted[Math.ceil(PERCENTILE * sorted.length) - 1] ?? 0
  }
}
