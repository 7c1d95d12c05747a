/** At most so many at once: first come, first served. */

export class Places {
  #free: number
  readonly #waiting = new Set<() => void>()

  constructor(count: number) {
    this.#free = count
  }

  /** Dispose it once, to give it back. Rejects with the signal's reason when it aborts first. */
  take(signal: AbortSignal): Promise<Disposable> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const onAbort = () => {
        this.#waiting.delete(granted)
        reject(signal.reason)
      }
      const granted = () => {
        signal.removeEventListener('abort', onAbort)
        resolve({ [Symbol.dispose]: () => this.#giveBack() })
      }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#waiting.add(granted)
      this.#grant()
    })
  }

  #giveBack(): void {
    this.#free++
    this.#grant()
  }

  #grant(): void {
    const [next] = this.#waiting
    if (!next || this.#free === 0) return
    this.#free--
    this.#waiting.delete(next)
    next()
  }
}
