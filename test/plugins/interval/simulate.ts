/** One gateway over a trace: when it lists, what that costs, and how long each block waits until it is found. */
import { backoffMs, type Host, type Interval, type IntervalReason } from 'blockgate'
import { fakeHost } from 'blockgate/testing'
import { HOUR, SECOND, type Trace } from './arrivals.ts'

export interface Costs {
  /** List requests of a full listing: 11 for 10,000 objects, 1,000 a page. */
  readonly full: number
  /** Those of a look at new blocks only; where given, a listing is full when the last full one is an hour old. */
  readonly tail?: number
}

export interface Listing {
  readonly at: number
  readonly requests: number
  readonly ok: boolean
  /** Until the next one, ms. */
  readonly ms: number
  readonly why: IntervalReason
}

export interface Simulated {
  readonly listings: readonly Listing[]
  /** Of each block that came after `from`: ms until the listing that found it had ended. */
  staleness(from?: number): readonly number[]
  /** Requests a day after `from`. */
  requestsPerDay(from?: number): number
}

/** A listing, and the load of what it found. */
const TOOK = 2 * SECOND
/** A failed listing: its page is tried three times. */
const FAILED = 3
/** 2026-01-05T00:00Z, a whole two hours of the epoch. */
const BEGIN = 1_767_571_200_000

/** `fixed`: an interval as the engine has it, stretched or shortened by up to a tenth. */
export function fixed(ms: number): Interval {
  return {
    name: 'fixed',
    longestMs: ms,
    create: ({ host }) => ({ next: () => ({ ms: ms * (0.9 + 0.2 * host.random()), why: 'fixed' }) }),
  }
}

export function simulate(trace: Trace, interval: Interval, costs: Costs, seed = 1): Simulated {
  const host: Host = fakeHost({ seed })
  const controller = interval.create({ host, instance: { id: `gateway-${seed}`, zone: undefined } })
  const listings: Listing[] = []
  const found: { readonly block: number; readonly ms: number }[] = []
  let [next, failures, fullAt] = [0, 0, Number.NEGATIVE_INFINITY]
  for (let at = 0; at < trace.ms; ) {
    const ok = !(trace.outage && at >= trace.outage[0] && at < trace.outage[1])
    const isFull = costs.tail === undefined || at - fullAt >= HOUR
    const requests = !ok ? FAILED : isFull ? costs.full : (costs.tail ?? 0)
    const ended = at + TOOK
    let came = 0
    if (ok) {
      if (isFull) fullAt = at
      for (; (trace.blocks[next] ?? Number.POSITIVE_INFINITY) <= at; next++, came++) {
        const block = trace.blocks[next] ?? 0
        found.push({ block, ms: ended - block })
      }
    }
    failures = ok ? 0 : failures + 1
    const listed = { now: BEGIN + ended, monotonic: ended, tookMs: TOOK, came, requests, ok }
    const { ms: planned, why } = controller.next(listed)
    const ms = ok || why === 'budget' ? planned : backoffMs(host, { base: 1_000, max: planned }, failures)
    listings.push({ at, requests, ok, ms, why })
    at = ended + ms
  }
  return {
    listings,
    staleness: (from = 0) => found.filter(({ block }) => block >= from).map(({ ms }) => ms),
    requestsPerDay(from = 0) {
      const after = listings.filter(({ at }) => at >= from)
      return after.reduce((sum, { requests }) => sum + requests, 0) / ((trace.ms - from) / (24 * HOUR))
    },
  }
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
}

/** The most requests in any window of a day. */
export function dearestDay({ listings }: Simulated): number {
  let [from, sum, most] = [0, 0, 0]
  for (const { at, requests } of listings) {
    sum += requests
    for (; at - (listings[from]?.at ?? at) > 24 * HOUR; from++) sum -= listings[from]?.requests ?? 0
    most = Math.max(most, sum)
  }
  return most
}
