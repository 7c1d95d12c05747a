/** The interval of one gateway: what it has seen of the listings, and when the next one is due. */
import type { Host, Instance, IntervalController, IntervalReason, Listed, NextListing } from 'blockgate'
import { Credit } from './credit.ts'
import { clamp, densityOf } from './density.ts'
import { CYCLE, Profile, parts } from './profile.ts'
import { Surprise } from './surprise.ts'

export interface Limits {
  /** In ms. */
  readonly from: number
  readonly to: number
  readonly staleness: number
  readonly requestsPerDay: number
}

/** Listings come up to a fifth sooner than planned, a tenth on average, and never later: gateways do not list in step. */
const JITTER = 0.2
/** The mean of the costs forgets half in so long. */
const COST_HALF_LIFE = 6 * 3_600_000
/** Part of the budget that is planned with; the rest is for surprises. */
const PLANNED = 0.95

export class AdaptiveController implements IntervalController {
  readonly #limits: Limits
  readonly #host: Host
  readonly #credit: Credit
  readonly #profile = new Profile()
  readonly #surprise = new Surprise()
  /** Where in its interval this gateway begins, by its name: those that start at once do not list at once. */
  #share: number
  #last: Listed | undefined
  /** When the last listing that was ok began, ms since the epoch. */
  #seen: number | undefined
  #requests = 0
  #listings = 0
  /** The dearest listing of late. */
  #dearest = 1

  constructor(limits: Limits, { host, instance }: { readonly host: Host; readonly instance: Instance }) {
    this.#limits = limits
    this.#host = host
    this.#credit = new Credit(limits.requestsPerDay)
    this.#share = 0.5 + hash(instance.id) / 2
  }

  next(listed: Listed): NextListing {
    this.#pay(listed)
    if (listed.ok) this.#learn(listed)
    const { ms, why } = this.#planned(listed.now)
    const { to } = this.#limits
    const paid = this.#credit.waitFor(this.#dearest, listed.monotonic)
    // Never later than `to`, whatever it costs: what the compactor deletes must be seen before it is gone.
    return paid > ms ? { ms: Math.min(paid, to), why: paid > to ? 'to' : 'budget' } : { ms, why }
  }

  soonest(monotonic: number): number {
    const sinceLast = monotonic - (this.#last?.monotonic ?? monotonic)
    return clamp(this.#limits.from - sinceLast, this.#credit.waitFor(this.#dearest, monotonic), this.#limits.to)
  }

  #pay(listed: Listed): void {
    const { requests, monotonic } = listed
    const ms = Math.max(0, monotonic - (this.#last?.monotonic ?? monotonic))
    const decay = 0.5 ** (ms / COST_HALF_LIFE)
    this.#requests = this.#requests * decay + requests
    this.#listings = this.#listings * decay + 1
    this.#dearest = Math.max(1, requests, this.#dearest * decay)
    this.#credit.spend(requests, monotonic)
    this.#last = listed
  }

  #learn({ now, tookMs, came }: Listed): void {
    const began = now - tookMs
    const since = this.#seen
    this.#seen = began
    // What a first listing shows came at any time before it. A clock may step back.
    if (since === undefined || began <= since) return
    const rates = this.#profile.rates()
    let expected = 0
    for (const { bin, ms } of parts(since, began)) expected += (rates[bin] ?? 0) * ms
    this.#surprise.see(began - since, came, expected)
    this.#profile.learn(since, began, came)
  }

  /** Where the listings that are planned from now on come to one. */
  #planned(now: number): NextListing {
    const { from, to, staleness } = this.#limits
    // Where little is left it is spent evenly, so that it does not run out.
    const ease = this.#credit.ease(this.#dearest)
    const even = this.#requests / this.#listings / (this.#credit.rate * PLANNED * (0.5 + 0.5 * ease))
    const { listings, why } = densityOf(this.#profile.rates(), { from, to, staleness, even })
    const factor = 1 + (this.#surprise.factor - 1) * ease
    let left = this.#share * (1 - JITTER * this.#host.random())
    this.#share = 1
    let ms = 0
    let density = 0
    for (const part of parts(now, now + to, CYCLE / listings.length)) {
      density = clamp((listings[part.bin] ?? 0) * factor, 1 / to, 1 / from)
      if (left <= part.ms * density) {
        ms += left / density
        break
      }
      left -= part.ms * density
      ms += part.ms
    }
    return { ms: clamp(ms, from, to), why: this.#why(ms, density, factor > 1.05 ? 'rate' : why) }
  }

  #why(ms: number, density: number, otherwise: IntervalReason): IntervalReason {
    const { from, to } = this.#limits
    if (ms <= from || density >= 1 / from) return 'from'
    return density <= 1 / to ? 'to' : otherwise
  }
}

/** FNV-1a of a name, in [0, 1). */
function hash(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return (h >>> 0) / 2 ** 32
}
