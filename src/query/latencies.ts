/** How long reads took: of the last ones of each size, the time that most of them were faster than. */

/** Reads of up to so many bytes are compared with one another. */
const SIZES = [64 * 1024, 512 * 1024, 4 * 1024 * 1024, Number.POSITIVE_INFINITY]
/** So many last ones count. */
const KEPT = 256
/** Of fewer nothing is said. */
const MIN_KNOWN = 20
/** The quantile is told anew after so many more: to sort them for each read would cost more than it says. */
const STALE = 8

class Ring {
  readonly #kept: number[] = []
  #next = 0
  #quantile: number | undefined
  #added = 0

  add(ms: number): void {
    this.#kept[this.#next] = ms
    this.#next = (this.#next + 1) % KEPT
    if (++this.#added >= STALE) this.#quantile = undefined
  }

  of(quantile: number): number | undefined {
    if (this.#kept.length < MIN_KNOWN) return undefined
    if (this.#quantile === undefined) {
      const sorted = this.#kept.toSorted((a, b) => a - b)
      this.#quantile = sorted[Math.min(sorted.length - 1, Math.floor(quantile * sorted.length))]
      this.#added = 0
    }
    return this.#quantile
  }
}

export class Latencies {
  readonly #quantile: number
  readonly #rings = SIZES.map(() => new Ring())

  /** @param quantile 0 to 1 */
  constructor(quantile: number) {
    this.#quantile = quantile
  }

  add(bytes: number, ms: number): void {
    this.#ring(bytes).add(ms)
  }

  /** The quantile of reads of about so many bytes, ms; undefined where too few are known. */
  of(bytes: number): number | undefined {
    return this.#ring(bytes).of(this.#quantile)
  }

  #ring(bytes: number): Ring {
    return this.#rings[SIZES.findIndex(size => bytes <= size)] as Ring
  }
}
