/**
 * How many requests an endpoint is given at once: as many as it answers without making each of them wait for the others.
 *
 * By Little's law throughput is requests at once ÷ time of an answer. So one number is tried beside another: half as many again, or two
 * thirds. Where the endpoint has room, answers take as long as before, and more is better. Where it has none, the time grows with the
 * number, and fewer do as well. Kept is the number with the larger throughput² ÷ time. No time has to be known in which the endpoint answers
 * when it is idle: such a base is wrong when the first requests come all at once, and when the endpoint moves.
 */
export interface LimitOptions {
  readonly start: number
  readonly least: number
  readonly most: number
}

/** What a request is told by when it ends: only those that were sent under the limit of now say something of it. */
export type Round = number

/** Answers of a round, at least: one answer tells little, as most stores have a slow tail. */
const ANSWERS = 64
/**
 * And so many for each that is under way. Of a trial upwards the first ones are answered before the others are in their way. Downwards
 * nothing is sent before there are as few as the limit says, and a slow endpoint shall not have to answer more of them than needed.
 */
const GENERATIONS = { up: 2, down: 1, same: 0.5 }
const STEP = 1.5
/** Of throughput against time: with 1 the last third of what an endpoint can do would be given up for shorter times. */
const THROUGHPUT = 2
/** A number that is this much below the limit does not show what the limit does. */
const IN_USE = 0.9
/** Rounds without a trial after both directions have failed, at first and at last. */
const REST = { first: 2, last: 16 }
/** After a refusal: the limit, what growth may reach, how that is forgotten with each round, and for how long no other refusal counts. */
const REFUSED = { limit: 0.8, ceiling: 0.9, forget: 1.01, ms: 1000 }

interface Level {
  readonly limit: number
  /** Requests at once, on average. */
  readonly inFlight: number
  /** The median of the times, in ms. */
  readonly ms: number
}

export class AdaptiveLimit {
  readonly #least: number
  readonly #most: number
  #limit: number
  #round: Round = 0
  #times: number[] = []
  #inFlight = 0
  /** What the trial of this round is compared with; undefined where this round is none. */
  #before: Level | undefined
  #direction: 'up' | 'down' = 'up'
  #failed = 0
  #rest: number = REST.first
  #resting = 0
  #ceiling = Number.POSITIVE_INFINITY
  #lastRefused = Number.NEGATIVE_INFINITY

  constructor({ start, least, most }: LimitOptions) {
    this.#least = least
    this.#most = most
    this.#limit = start
  }

  /** Requests at once, a whole number. */
  get limit(): number {
    return this.#limit
  }

  /** The round of a request that is sent now. */
  get round(): Round {
    return this.#round
  }

  /** A request of `round` was answered after `ms`; `inFlight` were under way when it was sent, itself included. */
  answered(round: Round, inFlight: number, ms: number): void {
    if (round !== this.#round) return
    this.#times.push(ms)
    this.#inFlight += inFlight
    const count = this.#times.length
    const generations = GENERATIONS[this.#before ? this.#direction : 'same']
    if (count < Math.max(ANSWERS, generations * Math.min(this.#limit, this.#inFlight / count))) return
    const sorted = this.#times.sort((a, b) => a - b)
    this.#ceiling *= REFUSED.forget
    this.#end({ limit: this.#limit, inFlight: this.#inFlight / count, ms: sorted[count >> 1] ?? 0 })
  }

  /** The endpoint has refused a request of `round` for its load, or not answered it in time. `now` is in ms, by any clock that never steps. */
  refused(round: Round, now: number): void {
    // Stores count requests of a second: what they refuse in the rest of it was asked for under the old limit, or is as good as that.
    if (round !== this.#round || now - this.#lastRefused < REFUSED.ms) return
    this.#lastRefused = now
    this.#ceiling = Math.max(this.#least, this.#limit * REFUSED.ceiling)
    this.#failed = 0
    this.#resting = REST.first
    this.#direction = 'up'
    this.#begin(this.#limit * REFUSED.limit, undefined)
  }

  #end(now: Level): void {
    const before = this.#before
    if (before && !isBetter(now, before)) this.#goBack(before)
    else {
      if (before) {
        this.#failed = 0
        this.#rest = REST.first
      }
      const limit = this.#resting-- > 0 ? undefined : this.#other(now)
      this.#begin(limit ?? now.limit, limit === undefined ? undefined : now)
    }
  }

  #goBack(before: Level): void {
    this.#direction = this.#direction === 'up' ? 'down' : 'up'
    if (++this.#failed >= 2) {
      this.#failed = 0
      this.#resting = this.#rest
      this.#rest = Math.min(REST.last, this.#rest * 2)
    }
    this.#begin(before.limit, undefined)
  }

  /** The number to try beside that of now; undefined where there is none. */
  #other({ limit, inFlight }: Level): number | undefined {
    const up = Math.min(this.#most, this.#ceiling, limit * STEP)
    const down = Math.max(this.#least, Math.min(limit, inFlight) / STEP)
    const canUp = inFlight >= limit * IN_USE && Math.floor(up) > limit
    const canDown = Math.floor(down) < Math.floor(inFlight)
    if (this.#direction === 'up' && !canUp) this.#direction = 'down'
    if (this.#direction === 'down' && !canDown) this.#direction = 'up'
    if (this.#direction === 'down') return down
    return canUp ? up : undefined
  }

  #begin(limit: number, before: Level | undefined): void {
    this.#limit = Math.max(this.#least, Math.min(this.#most, Math.floor(limit)))
    this.#before = before
    this.#round++
    this.#times = []
    this.#inFlight = 0
  }
}

/** Whether throughput² ÷ time is larger now. */
function isBetter(now: Level, before: Level): boolean {
  const more = now.inFlight / before.inFlight
  // Requests that were not there say nothing of more requests.
  if (now.limit > before.limit && more < 1 / IN_USE) return false
  const longer = now.ms / before.ms
  return (more / longer) ** THROUGHPUT > longer
}
