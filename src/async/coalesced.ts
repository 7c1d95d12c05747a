/** Work that is asked for more often than it need be done. */

/** At most one in flight and one that waits: who asks meanwhile gets the one that begins after it was asked for. */
export class Coalesced {
  readonly #work: () => Promise<void>
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined

  /** `work` never rejects. */
  constructor(work: () => Promise<void>) {
    this.#work = work
  }

  request(): Promise<void> {
    if (!this.#running) return this.#begin()
    this.#next ??= this.#running.then(() => {
      this.#next = undefined
      return this.#begin()
    })
    return this.#next
  }

  /** Resolves when nothing is in flight and nothing waits. */
  async idle(): Promise<void> {
    while (this.#running) await (this.#next ?? this.#running)
  }

  #begin(): Promise<void> {
    this.#running = this.#work().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }
}
