/** At most so many at once. */
import { orAborted } from 'blockgate'

export class Gate {
  #free: number
  #left: PromiseWithResolvers<void> | undefined

  constructor(places: number) {
    this.#free = places
  }

  /** Resolves with a place; disposing it, once or more, gives it back. Rejects with the signal's reason where that is first. */
  async enter(signal: AbortSignal): Promise<Disposable> {
    while (this.#free === 0) {
      this.#left ??= Promise.withResolvers<void>()
      await orAborted(this.#left.promise, signal)
    }
    this.#free--
    let held = true
    return {
      [Symbol.dispose]: () => {
        if (!held) return
        held = false
        this.#free++
        // All who wait look again, in the order in which they came.
        this.#left?.resolve()
        this.#left = undefined
      },
    }
  }
}
