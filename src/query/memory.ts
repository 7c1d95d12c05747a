/** What all queries of the process hold at once of blocks and answers, below one cap. */
import { QueryCode, QueryRefused } from './refused.ts'

export class QueryMemory {
  readonly #max: number
  #held = 0

  /** @param max bytes */
  constructor(max: number) {
    this.#max = max
  }

  /** Bytes, of all queries. */
  get held(): number {
    return this.#held
  }

  /**
   * @param own bytes that the query holds already
   * @throws QueryRefused `out-of-memory` where others hold too much, so it may be asked again; `query-too-large` where it needs more than all may hold
   */
  take(bytes: number, own: number): void {
    if (this.#held + bytes <= this.#max) {
      this.#held += bytes
      return
    }
    const all = `all queries must hold at most ${this.#max} bytes at once (serve.limits.memory)`
    if (own + bytes > this.#max) {
      throw new QueryRefused(
        'memory',
        `${all}: this one alone needs ${own + bytes}; ask for fewer series, or a shorter time`,
      )
    }
    throw new QueryRefused('memory', `${all}: they hold ${this.#held}; try again`, QueryCode.memory)
  }

  give(bytes: number): void {
    this.#held -= bytes
  }
}
