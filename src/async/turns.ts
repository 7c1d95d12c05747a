/** Work that must not overlap for one key, and may for two. */

export class Turns<K> {
  readonly #last = new Map<K, Promise<unknown>>()

  /** Runs `work` once everything that was asked for `key` before has settled; settles as `work` does. */
  async run<T>(key: K, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key)
    // How the one before ended is told to its own caller.
    const turn = before ? before.then(work, work) : work()
    this.#last.set(key, turn)
    try {
      return await turn
    } finally {
      if (this.#last.get(key) === turn) this.#last.delete(key)
    }
  }
}
