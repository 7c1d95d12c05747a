/** Listeners that are told in the order in which they came, and cannot hinder each other. */
import { codeOf, rawMessageOf } from '../contracts/errors.ts'
import type { Log } from '../contracts/host.ts'

export class Watchers<T> {
  readonly #listeners = new Set<{ readonly listener: (told: T) => void }>()

  add(listener: (told: T) => void): Disposable {
    // One function may listen twice.
    const entry = { listener }
    this.#listeners.add(entry)
    return { [Symbol.dispose]: () => void this.#listeners.delete(entry) }
  }

  tell(told: T, log: Log): void {
    for (const { listener } of [...this.#listeners]) {
      try {
        listener(told)
      } catch (error) {
        log.error('a listener of the members threw', { code: codeOf(error), error: rawMessageOf(error) })
      }
    }
  }
}
