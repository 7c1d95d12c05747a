/** Work that is asked for more often than it need be done. */

/** At most one in flight and one that waits: who asks meanwhile gets the one that begins after it was asked for. */
export class Coalesced {
  readonly #work: () => Promise<void>
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined

  constructor(work: () => Promise<void>) {
    this.#work = work
  }

  /** Settles as the work does that began after this call; how the one before ended is told to those who asked for it. */
  request(): Promise<void> {
    if (!this.#running) return this.#begin()
    const begin = () => {
      this.#next = undefined
      return this.#begin()
    }
    this.#next ??= this.#running.then(begin, begin)
    return this.#next
  }

  /** Resolves when nothing is in flight and nothing waits. */
  async idle(): Promise<void> {
    while (this.#running) await (this.#next ?? this.#running).catch(() => {})
  }

  #begin(): Promise<void> {
    this.#running = this.#work().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }
}
