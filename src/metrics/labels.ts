/** Label values from outside: stages, reasons and codes are made by users, and each new one is a new time series. */

/** Distinct values of one label; every later one is told as `other`. */
const MAX_VALUES = 200
const OTHER = 'other'
const FIT = /^[A-Za-z0-9._#-]{1,64}$/

/** Keeps one label of one metric within bounds. What was let through once is let through always. */
export class BoundedLabel {
  readonly #known = new Set<string>()

  of(value: string): string {
    if (this.#known.has(value)) return value
    if (this.#known.size >= MAX_VALUES || !FIT.test(value)) return OTHER
    this.#known.add(value)
    return value
  }
}
