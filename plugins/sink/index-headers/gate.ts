/** At most so many at once, in the order in which they asked. */
import { orAborted } from 'blockgate'

export class Gate {
  readonly #waiting: (() => void)[] = []
  #free: number

  constructor(places: number) {
    this.#free = places
  }

  /** Resolves with a place; disposing it, once or more, gives it back. Rejects with the signal's reason where that is first. */
  async enter(signal: AbortSignal): Promise<Disposable> {
    if (this.#free > 0) this.#free--
    else {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiting.push(resolve)
      try {
        await orAborted(promise, signal)
      } catch (error) {
        const at = this.#waiting.indexOf(resolve)
        // The place may have been given away to this one just before its signal aborted.
        if (at === -1) this.#leave()
        else this.#waiting.splice(at, 1)
        throw error
      }
    }
    let held = true
    return {
      [Symbol.dispose]: () => {
        if (held) this.#leave()
        held = false
      },
    }
  }

  #leave(): void {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#free++
  }
}
