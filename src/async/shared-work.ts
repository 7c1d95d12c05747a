/** Work that several wait for and that is done once. */
import { orAborted } from './signals.ts'

/** Begins at once. It is aborted when the last of those who wait has gone: one who goes takes nothing from the others. */
export class SharedWork<T> {
  readonly #controller = new AbortController()
  readonly #work: Promise<T>
  /** Resolves when it has settled, one way or the other. */
  readonly ended: Promise<void>
  #waiting = 0
  #settled = false

  constructor(work: (signal: AbortSignal) => Promise<T>) {
    this.#work = work(this.#controller.signal)
    const settled = () => {
      this.#settled = true
    }
    this.ended = this.#work.then(settled, settled)
  }

  /** Nobody waits any more, and it was not done by then: who comes now must begin anew. */
  get abandoned(): boolean {
    return this.#controller.signal.aborted
  }

  /** Settles as the work does, or rejects with the reason of `signal`. */
  async wait(signal: AbortSignal): Promise<T> {
    this.#waiting++
    try {
      return await orAborted(this.#work, signal)
    } finally {
      this.#waiting--
      if (this.#waiting === 0 && !this.#settled) this.#controller.abort(signal.reason)
    }
  }
}
