/** How many queries are answered at once, and how many wait for their turn. */
import { Places } from '../async/places.ts'
import { QueryCode, QueryRefused } from './refused.ts'

export class QueryGate {
  readonly #limits: { readonly concurrent: number; readonly queued: number }
  readonly #places: Places

  constructor(limits: { readonly concurrent: number; readonly queued: number }) {
    this.#limits = limits
    this.#places = new Places(limits.concurrent)
  }

  get running(): number {
    return this.#places.taken
  }

  get waiting(): number {
    return this.#places.waiting
  }

  /**
   * Resolves when it is the query's turn: first come, first served. Dispose what it gives when the query has ended.
   * @throws QueryRefused `too-many-queries` where the queue is full; the reason of `signal`
   */
  async enter(signal: AbortSignal): Promise<Disposable> {
    const { concurrent, queued } = this.#limits
    signal.throwIfAborted()
    if (this.#places.isFull && this.#places.waiting >= queued) {
      const most = `${concurrent} queries are answered at once (serve.limits.concurrent), and ${queued} wait (serve.limits.queued)`
      throw new QueryRefused('queued', `at most ${most}: try again`, QueryCode.tooMany)
    }
    return await this.#places.take(signal)
  }
}
