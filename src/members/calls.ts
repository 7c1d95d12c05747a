/** Calls of the member store: each ends in bounded time, and those that fail are counted and logged. */
import { within } from '../async/signals.ts'
import { codeOf, OwnershipUnavailable, rawMessageOf } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'

export class StoreCalls {
  readonly #host: Host
  readonly #timeoutMs: number
  readonly #closed = new AbortController()
  /** Calls that failed, or whose answer did not come in time. */
  errors = 0
  /** What the last call failed with; undefined once one is answered. */
  failure: string | undefined

  constructor(host: Host, timeoutMs: number) {
    this.#host = host
    this.#timeoutMs = timeoutMs
  }

  /**
   * What `call` gives. An answer that comes after the timeout is ignored: the step may have been done, or land later.
   * @throws OwnershipUnavailable for a call that took too long; else what the store rejected with
   */
  async make<T>(call: () => Promise<T>): Promise<T> {
    const { signal } = this.#closed
    signal.throwIfAborted()
    const late = () => new OwnershipUnavailable(`the member store timed out after ${this.#timeoutMs} ms`)
    try {
      // A store that throws instead of rejecting fails like any other.
      const answer = await within(this.#host, this.#timeoutMs, signal, late, (async () => call())())
      if (this.failure !== undefined) this.#host.log.info('the member store can be reached again')
      this.failure = undefined
      return answer
    } catch (error) {
      if (!signal.aborted) this.#failed(error)
      throw error
    }
  }

  /** Rejects what is in flight, and everything asked for later. */
  close(): void {
    this.#closed.abort(new OwnershipUnavailable('the ownership plugin has stopped'))
  }

  /** Logged once for each time that the store is away. */
  #failed(error: unknown): void {
    this.errors++
    const first = this.failure === undefined
    this.failure = rawMessageOf(error)
    if (first) {
      this.#host.log.warn('the member store cannot be reached', { code: codeOf(error), error: this.failure })
    }
  }
}
