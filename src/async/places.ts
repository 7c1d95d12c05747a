/** At most so many at once: first come, first served. */

export class Places {
  readonly #count: () => number
  #taken = 0
  readonly #waiting = new Set<() => void>()

  /** `count` may change from one time to the next: who changes it calls `grant`. */
  constructor(count: number | (() => number)) {
    this.#count = typeof count === 'number' ? () => count : count
  }

  /** How many are taken now. */
  get taken(): number {
    return this.#taken
  }

  /** How many wait for one. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** Whether the next one to come has to wait. */
  get isFull(): boolean {
    return this.#taken >= this.#count()
  }

  /** Dispose it to give it back; safe twice. Rejects with the signal's reason when it aborts first. */
  take(signal: AbortSignal): Promise<Disposable> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const onAbort = () => {
        this.#waiting.delete(granted)
        reject(signal.reason)
      }
      const granted = () => {
        signal.removeEventListener('abort', onAbort)
        let isMine = true
        const giveBack = () => {
          if (isMine) this.#giveBack()
          isMine = false
        }
        resolve({ [Symbol.dispose]: giveBack })
      }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#waiting.add(granted)
      this.grant()
    })
  }

  /** Gives away what is free: to be called where the count may have grown. */
  grant(): void {
    for (const next of this.#waiting) {
      if (this.isFull) return
      this.#taken++
      this.#waiting.delete(next)
      next()
    }
  }

  #giveBack(): void {
    this.#taken--
    this.grant()
  }
}
