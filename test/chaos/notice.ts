/**
 * How long gateways take to notice that the epoch was raised. An epoch is the store's own clock in microseconds at the moment
 * of the raise, on the same machine: so each says when it was made.
 */

export class Notice {
  /** Per gateway that is up: since when, and the largest epoch it has seen. */
  readonly #gateways = new Map<string, { readonly since: number; epoch: number }>()
  readonly #raised = new Set<number>()
  /** Of the slowest so far. */
  #max = 0
  #count = 0

  get maxMs(): number {
    return this.#max
  }

  /** Pairs of an epoch and a gateway that was up when it was raised. */
  get count(): number {
    return this.#count
  }

  /** Epochs that anybody has seen. */
  get epochs(): number {
    return this.#raised.size
  }

  /** The gateway has seen `epoch` at `at`, ms since the epoch of Unix. @returns the longest it took for one that it was up for */
  saw(gateway: string, epoch: number, at: number): number {
    const known = this.#gateways.get(gateway)
    this.#raised.add(epoch)
    if (!known) {
      this.#gateways.set(gateway, { since: at, epoch })
      return 0
    }
    let longest = 0
    for (const raised of this.#raised) {
      const madeAt = raised / 1000
      if (raised <= known.epoch || raised > epoch || madeAt < known.since) continue
      this.#count++
      longest = Math.max(longest, at - madeAt)
    }
    known.epoch = Math.max(known.epoch, epoch)
    this.#max = Math.max(this.#max, longest)
    return longest
  }

  /** It is down, or paused: what it sees after that is no notice. */
  gone(gateway: string): void {
    this.#gateways.delete(gateway)
  }

  /** Gateways that have not seen the largest epoch although it was raised before `at`. */
  behind(at: number): readonly string[] {
    const largest = Math.max(0, ...this.#raised)
    return [...this.#gateways].flatMap(([gateway, { epoch, since }]) =>
      epoch < largest && largest / 1000 < at && largest / 1000 > since ? [gateway] : [],
    )
  }
}
