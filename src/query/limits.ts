/** What one query may take: each limit has an error of its own, and after it nothing more is asked of the bucket. */
import { BlockgateError, ErrorCode } from '../contracts/errors.ts'
import type { QueryLimits } from '../contracts/query-limits.ts'

/** Counts what one query took. */
export class Budget {
  readonly taken: { series: number; chunks: number; samples: number; bytes: number } = {
    series: 0,
    chunks: 0,
    samples: 0,
    bytes: 0,
  }
  readonly #limits: QueryLimits

  constructor(limits: QueryLimits) {
    this.#limits = limits
  }

  /** @throws BlockgateError `query-too-large` where more of it than the limit is taken */
  take(what: keyof QueryLimits, count: number): void {
    this.taken[what] += count
    const limit = this.#limits[what]
    if (this.taken[what] <= limit) return
    const must = `a query must take at most ${limit} ${what}: it takes ${this.taken[what]}`
    throw new BlockgateError(ErrorCode.queryTooLarge, `${must}; ask for fewer series, or a shorter time`)
  }
}
