/** Calls of the member store: each ends in bounded time, and those that fail are counted and said. */
import { codeOf, OwnershipUnavailable, rawMessageOf } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'

export class StoreCalls {
  readonly #host: Host
  readonly #timeoutMs: number
  readonly #cancels = new Set<(error: unknown) => void>()
  #errors = 0
  #failure: string | undefined
  #closed = false

  constructor(host: Host, timeoutMs: number) {
    this.#host = host
    this.#timeoutMs = timeoutMs
  }

  /** Calls that failed, or whose answer did not come in time. */
  get errors(): number {
    return this.#errors
  }

  /** What the last call failed with; undefined once one is answered. */
  get failure(): string | undefined {
    return this.#failure
  }

  /**
   * What `call` gives. An answer that comes after the timeout is not looked at: the step may have been done, or land later.
   * @throws OwnershipUnavailable for a call that took too long; else what the store rejected with
   */
  make<T>(call: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(stopped())
        return
      }
      const end = (): boolean => {
        timer[Symbol.dispose]()
        return this.#cancels.delete(fail)
      }
      const fail = (error: unknown) => {
        if (!end()) return
        this.#failed(error)
        reject(error)
      }
      const timer = this.#host.setTimer(this.#timeoutMs, () => {
        fail(new OwnershipUnavailable(`the member store did not answer within ${this.#timeoutMs} ms`))
      })
      this.#cancels.add(fail)
      // A store that throws instead of rejecting fails like any other.
      const answer = (async () => call())()
      answer.then(value => {
        if (!end()) return
        this.#succeeded()
        resolve(value)
      }, fail)
    })
  }

  /** Rejects what is in flight, and everything asked for later. */
  close(): void {
    this.#closed = true
    for (const cancel of [...this.#cancels]) cancel(stopped())
  }

  /** Said once for each time that the store is away. */
  #failed(error: unknown): void {
    if (this.#closed) return
    this.#errors++
    const known = this.#failure !== undefined
    this.#failure = rawMessageOf(error)
    if (known) return
    this.#host.log.warn('the member store cannot be reached', { code: codeOf(error), error: this.#failure })
  }

  #succeeded(): void {
    if (this.#failure !== undefined) this.#host.log.info('the member store can be reached again')
    this.#failure = undefined
  }
}

function stopped(): OwnershipUnavailable {
  return new OwnershipUnavailable('the ownership plugin has stopped')
}
