/** Who may talk to the store now: as many as there are connections, first come, first served. */

/**
 * The client would queue for a connection itself, with the time that a request has already running. Behind bodies that take
 * their time, requests would then time out that were never sent.
 */
export class Slots {
  #free: number
  readonly #waiting = new Set<() => void>()

  constructor(count: number) {
    this.#free = count
  }

  /** Resolves with a slot, to be given back by disposing it once; rejects with the signal's reason when it aborts first. */
  take(signal: AbortSignal): Promise<Disposable> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      if (this.#free > 0) {
        this.#free--
        return resolve(this.#slot())
      }
      const granted = () => {
        signal.removeEventListener('abort', onAbort)
        resolve(this.#slot())
      }
      const onAbort = () => {
        this.#waiting.delete(granted)
        reject(signal.reason)
      }
      this.#waiting.add(granted)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  #slot(): Disposable {
    return {
      [Symbol.dispose]: () => {
        const [next] = this.#waiting
        if (!next) {
          this.#free++
          return
        }
        this.#waiting.delete(next)
        next()
      },
    }
  }
}
