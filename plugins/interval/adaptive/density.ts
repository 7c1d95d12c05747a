/**
 * How often to list at each time: listings a millisecond, in proportion to the square root of the rate at which blocks come. This is
 * the least mean staleness that a number of listings can give, as in the economic order quantity, and in Cho and Garcia-Molina,
 * "Effective page refresh policies for Web crawlers" (2003).
 */

import { BIN, CYCLE } from './profile.ts'

const MINUTE = 60_000
const MINUTES = CYCLE / MINUTE

export interface Bounds {
  /** The shortest and the longest interval, ms. */
  readonly from: number
  readonly to: number
  /** All but a hundredth of the blocks are to be found within it, ms. */
  readonly staleness: number
  /** The mean interval that the budget allows, ms. */
  readonly even: number
}

export interface Density {
  /** By minute of the cycle: listings a millisecond. */
  readonly listings: Float64Array
  /** What it is bound by. */
  readonly why: 'staleness' | 'budget'
}

/** Of the blocks that come: a little less than promised, as the rates are guesses. */
const MAY_BE_LATE = 0.008
/** Halvings of the distance. */
const STEPS = 32

/**
 * As few listings as find all but a hundredth of the blocks within `staleness`, and no more of them than the budget allows. An
 * interval that ends at `from` or `to` leaves its share to the others, so the mean keeps its bound.
 */
export function densityOf(rates: Float64Array, { from, to, staleness, even }: Bounds): Density {
  const roots = rates.map(rate => Math.sqrt(rate))
  const minutes = held(roots, staleness)
  // More often than `staleness` asks for finds no more blocks in time.
  const most = 1 / Math.max(from, staleness)
  const planned = (root: number, scale: number) => clamp(scale * root, 1 / to, most)
  const all = sum(rates)
  // An interval of t shows a block that comes at any time of it late with the probability 1 - staleness / t.
  const late = (scale: number) => {
    let blocks = 0
    for (const [i, root] of roots.entries()) {
      blocks += (rates[i] ?? 0) * Math.max(0, 1 - staleness * planned(root, scale))
    }
    return blocks / all
  }
  const mean = (scale: number) => {
    let listings = 0
    for (const root of minutes) listings += planned(root, scale)
    return listings / MINUTES
  }
  const low = 1 / to / Math.max(...roots)
  const high = most / Math.min(...roots)
  const needed = search(low, high, scale => late(scale) > MAY_BE_LATE)
  const isTooDear = mean(needed) > 1 / even
  const scale = isTooDear ? search(low, high, scale => mean(scale) < 1 / even) : needed
  return { listings: minutes.map(root => planned(root, scale)), why: isTooDear ? 'budget' : 'staleness' }
}

/** By minute, from bins, and held for `ms` where it falls: the last blocks of a wave are to be found in time, too. */
function held(bins: Float64Array, ms: number): Float64Array {
  const back = Math.min(MINUTES - 1, Math.ceil(ms / MINUTE))
  return Float64Array.from({ length: MINUTES }, (_, at) => {
    let most = 0
    for (let minute = at - back; minute <= at; minute++) {
      most = Math.max(most, bins[Math.floor((((minute + MINUTES) % MINUTES) * MINUTE) / BIN)] ?? 0)
    }
    return most
  })
}

/** Where between `low` and `high` an answer that was true becomes false. */
function search(low: number, high: number, isMore: (scale: number) => boolean): number {
  let [from, to] = [Math.log(low), Math.log(high)]
  for (let step = 0; step < STEPS; step++) {
    const middle = (from + to) / 2
    if (isMore(Math.exp(middle))) from = middle
    else to = middle
  }
  return Math.exp(to)
}

export function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value))
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0)
}
