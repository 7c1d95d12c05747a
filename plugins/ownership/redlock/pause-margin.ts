/** How long this process may stand still between a look at a lock and what it does on it, as its own timers tell. */
import type { Host } from 'blockgate'
import { elapsed, mark } from 'blockgate/members'

const LEAST_MS = 250

/** Whatever the pauses are, they take this share of a lock's TTL at most: a lock that is never valid is worth nothing. */
const MOST = 0.25

const EVERY_MS = 250
const SAMPLES = 1_000

export interface PauseMargin {
  /** The larger of 250 ms and the 99.9th percentile of how late timers fired; at most a quarter of the TTL. */
  ms: number
  stop(): void
}

export function pauseMargin(host: Host, ttlMs: number): PauseMargin {
  /** How late the last timers fired, in ms. */
  const late: number[] = []
  const most = ttlMs * MOST
  const margin = { ms: Math.min(LEAST_MS, most), stop: () => timer[Symbol.dispose]() }
  const sample = (): Disposable => {
    const armed = mark(host)
    return host.setTimer(EVERY_MS, () => {
      late.push(elapsed(armed, mark(host)) - EVERY_MS)
      if (late.length > SAMPLES) late.shift()
      margin.ms = Math.min(most, Math.max(LEAST_MS, percentile(late)))
      timer = sample()
    })
  }
  let timer = sample()
  return margin
}

/** The 99.9th of at most a thousand: the second largest of a thousand, and of fewer the largest. */
function percentile(values: readonly number[]): number {
  let [largest, second] = [0, 0]
  for (const value of values) {
    if (value > largest) [largest, second] = [value, largest]
    else if (value > second) second = value
  }
  return values.length < SAMPLES ? largest : second
}
