/**
 * When blocks come, by the time within two hours: Prometheus cuts its blocks on whole two hours of the epoch, so their uploads,
 * and the compactions after them, come in waves of that length.
 */

export const CYCLE = 7_200_000
export const BINS = 24
export const BIN: number = CYCLE / BINS
/** What was seen so long ago weighs half. */
const HALF_LIFE = 8 * CYCLE
/** A window that is longer says nothing about when within two hours its blocks came. */
const LONGEST = CYCLE / 2
/** Bins that differ no more than chance makes them differ, and as much again, are no pattern. */
const CHANCE = 2

export class Profile {
  /** By bin: blocks that came, and milliseconds that were watched; old ones weigh less. */
  readonly #came = new Float64Array(BINS)
  readonly #watched = new Float64Array(BINS)

  /** Blocks that came at some time between `from` and `to`, ms since the epoch. */
  learn(from: number, to: number, came: number): void {
    const ms = to - from
    if (!(ms > 0)) return
    const decay = 0.5 ** (ms / HALF_LIFE)
    for (let i = 0; i < BINS; i++) {
      this.#came[i] = (this.#came[i] ?? 0) * decay
      this.#watched[i] = (this.#watched[i] ?? 0) * decay
    }
    if (ms > LONGEST) return
    // Where in the window they came is not known: probably where blocks came before.
    const rates = this.rates()
    const shares = [...parts(from, to)].map(({ bin, ms }) => ({ bin, ms, weight: (rates[bin] ?? 0) * ms }))
    const sum = shares.reduce((total, { weight }) => total + weight, 0)
    for (const { bin, ms, weight } of shares) {
      this.#came[bin] = (this.#came[bin] ?? 0) + (came * weight) / sum
      this.#watched[bin] = (this.#watched[bin] ?? 0) + ms
    }
  }

  /**
   * By bin, blocks a millisecond; never 0. What chance explains of the differences between the bins is taken out, as James and Stein
   * do: a pattern is believed as far as the blocks show it.
   */
  rates(): Float64Array {
    const mean = (sum(this.#came) + 1) / (sum(this.#watched) + CYCLE)
    let difference = 0
    for (let i = 0; i < BINS; i++) {
      const expected = mean * ((this.#watched[i] ?? 0) + BIN)
      difference += ((this.#came[i] ?? 0) - expected) ** 2 / expected
    }
    const belief = Math.max(0, 1 - (CHANCE * (BINS - 1)) / difference)
    return this.#came.map((came, i) => mean + belief * (came / ((this.#watched[i] ?? 0) + BIN / BINS) - mean))
  }
}

/** The parts of a span of time that lie in one bin each, in their order; `size` of a bin, ms. */
export function* parts(
  from: number,
  to: number,
  size: number = BIN,
): Generator<{ readonly bin: number; readonly ms: number }> {
  const bins = CYCLE / size
  for (let at = from; at < to; ) {
    const number = Math.floor(at / size)
    const end = Math.min(to, (number + 1) * size)
    yield { bin: ((number % bins) + bins) % bins, ms: end - at }
    at = end
  }
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0)
}
