/** How many queries are answered at once, and how many wait for their turn. */
import { QueryCode, QueryRefused } from './refused.ts'

export class QueryGate {
  readonly #concurrent: number
  readonly #queued: number
  readonly #waiting = new Set<() => void>()
  #running = 0

  constructor(limits: { readonly concurrent: number; readonly queued: number }) {
    this.#concurrent = limits.concurrent
    this.#queued = limits.queued
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /**
   * Resolves when it is the query's turn: first come, first served. Dispose what it gives when the query has ended.
   * @throws QueryRefused `too-many-queries` where the queue is full; the reason of `signal`
   */
  async enter(signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted()
    if (this.#running < this.#concurrent) this.#running++
    else await this.#turn(signal)
    let isIn = true
    return {
      [Symbol.dispose]: () => {
        if (!isIn) return
        isIn = false
        // Whoever waits longest takes the place.
        const [next] = this.#waiting
        if (next) next()
        else this.#running--
      },
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    if (this.#waiting.size >= this.#queued) {
      const most = `${this.#concurrent} queries are answered at once (serve.limits.concurrent), and ${this.#queued} wait (serve.limits.queued)`
      throw new QueryRefused('queued', `at most ${most}: try again`, QueryCode.tooMany)
    }
    return new Promise((resolve, reject) => {
      const gone = () => {
        this.#waiting.delete(begin)
        reject(signal.reason)
      }
      const begin = () => {
        this.#waiting.delete(begin)
        signal.removeEventListener('abort', gone)
        resolve()
      }
      this.#waiting.add(begin)
      signal.addEventListener('abort', gone, { once: true })
    })
  }
}
