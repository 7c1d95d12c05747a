/** Whether more blocks come now than the profile expects: the part of the controller that reacts. */

/** Of the memory of what came. */
const TAU = 600_000
/** A few blocks more are chance, not news: so many, and so many standard deviations. */
const PRIOR = 3
const DEVIATIONS = 1.5
/** The intervals change by at most so much from one listing to the next. */
const MOST = 2

export class Surprise {
  #came = 0
  #expected = 0
  #factor = 1

  /** Blocks that came in `ms`, and how many the profile expected. */
  see(ms: number, came: number, expected: number): void {
    const x = ms / TAU
    // Spread over the window, they are older on average.
    const fresh = x > 0 ? (1 - Math.exp(-x)) / x : 1
    this.#came = this.#came * Math.exp(-x) + came * fresh
    this.#expected = this.#expected * Math.exp(-x) + expected * fresh
    const chance = DEVIATIONS * Math.sqrt(this.#expected + 1)
    const ratio = (this.#came - chance + PRIOR) / (this.#expected + PRIOR)
    const wanted = Math.sqrt(Math.max(1, ratio))
    this.#factor = Math.min(this.#factor * MOST, Math.max(this.#factor / MOST, wanted))
  }

  /** So many times as often as planned: 1 where no more blocks come than expected. */
  get factor(): number {
    return this.#factor
  }
}
