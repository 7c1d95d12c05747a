/** What one query takes: each limit has an error of its own, and after it nothing more is asked of the bucket. */
import type { QueryLimits } from '../contracts/query-limits.ts'
import type { QueryMemory } from './memory.ts'
import { type LimitName, QueryRefused } from './refused.ts'

export interface BudgetOptions {
  /** Shared by all queries. Default: what is held is not counted. */
  readonly memory?: QueryMemory | undefined
  /** Called with the first refusal, before it is thrown: to end what goes on beside it. */
  readonly onRefused?: ((error: QueryRefused) => void) | undefined
}

/** Counts what one query took. */
export class Budget {
  readonly taken: { series: number; chunks: number; samples: number; bytes: number } = {
    series: 0,
    chunks: 0,
    samples: 0,
    bytes: 0,
  }
  /** Entries that came from a cache, and their bytes: these are in `taken.bytes`, too. */
  readonly cached: { hits: number; bytes: number } = { hits: 0, bytes: 0 }
  readonly #limits: QueryLimits
  readonly #options: BudgetOptions
  #held = 0
  #answer = 0
  #refused: QueryRefused | undefined

  constructor(limits: QueryLimits, options: BudgetOptions = {}) {
    this.#limits = limits
    this.#options = options
  }

  /** Bytes of blocks that the query holds now. */
  get held(): number {
    return this.#held
  }

  /** `bytes` that are taken are held, too. @throws QueryRefused where more of it than the limit is taken, and ever after */
  take(what: keyof QueryLimits, count: number): void {
    this.taken[what] += count
    const limit = this.#limits[what]
    if (this.taken[what] > limit) {
      const must = `a query must take at most ${limit} ${what} (serve.limits.${what}): it takes ${this.taken[what]}`
      this.#refuse(what, `${must}; ask for fewer series, or a shorter time`)
    }
    if (what === 'bytes') this.hold(count)
    else if (this.#refused) throw this.#refused
  }

  /** `bytes` of what was taken came from a cache. */
  hit(bytes: number): void {
    this.cached.hits++
    this.cached.bytes += bytes
  }

  /** Without a limit: what is passed on as it is stored. */
  count(what: keyof QueryLimits, count: number): void {
    this.taken[what] += count
  }

  /** Bytes of blocks that are in memory from now on. @throws QueryRefused where all queries together would hold too much */
  hold(bytes: number): void {
    this.#claim(bytes)
    this.#held += bytes
  }

  /** The answer that is being made has `bytes` now, beside what is held. @throws QueryRefused as `hold` */
  answer(bytes: number): void {
    this.#claim(bytes - this.#answer)
    this.#answer = bytes
  }

  /** Holds `held` bytes of blocks from now on, and no more. */
  release(held: number): void {
    this.#options.memory?.give(this.#held - held)
    this.#held = held
  }

  /** The query has ended: it holds nothing. */
  end(): void {
    this.#options.memory?.give(this.#held + this.#answer)
    this.#held = this.#answer = 0
  }

  #claim(bytes: number): void {
    if (this.#refused) throw this.#refused
    try {
      this.#options.memory?.take(bytes, this.#held + this.#answer)
    } catch (error) {
      this.#refused = error as QueryRefused
      this.#options.onRefused?.(this.#refused)
      throw error
    }
  }

  #refuse(limit: LimitName, message: string): never {
    this.#refused ??= new QueryRefused(limit, message)
    this.#options.onRefused?.(this.#refused)
    throw this.#refused
  }
}
