/**
 * How long gateways take to notice that the epoch was raised. An epoch is the store's own clock in microseconds at the moment
 * of the raise, on the same machine: so each says when it was made.
 */

interface Known {
  /** Ready since then, by the wall clock; undefined before: a process that loads its modules notices nothing. */
  since: number | undefined
  epoch: number
}

export class Notice {
  readonly #gateways = new Map<string, Known>()
  readonly #raised = new Set<number>()
  #max = 0
  #count = 0

  /** Of the slowest so far. */
  get maxMs(): number {
    return this.#max
  }

  /** Pairs of an epoch and a gateway that was ready when it was raised. */
  get count(): number {
    return this.#count
  }

  /** Epochs that anybody has seen. */
  get epochs(): number {
    return this.#raised.size
  }

  /** The gateway is ready from now on: what is raised after `at` it must notice. */
  ready(gateway: string, at: number): void {
    const known = this.#known(gateway)
    known.since ??= at
  }

  /** The gateway has seen `epoch` at `at`, ms since the epoch of Unix. @returns the longest it took for one that it was ready for */
  saw(gateway: string, epoch: number, at: number): number {
    const known = this.#known(gateway)
    this.#raised.add(epoch)
    let longest = 0
    for (const raised of this.#raised) {
      const madeAt = raised / 1000
      if (raised <= known.epoch || raised > epoch || known.since === undefined || madeAt < known.since) continue
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

  /** Gateways that have not seen the largest epoch although it was raised before `at`, and after they were ready. */
  behind(at: number): readonly string[] {
    const largest = Math.max(0, ...this.#raised)
    return [...this.#gateways].flatMap(([gateway, { epoch, since }]) =>
      epoch < largest && since !== undefined && largest / 1000 < at && largest / 1000 > since ? [gateway] : [],
    )
  }

  #known(gateway: string): Known {
    const known = this.#gateways.get(gateway) ?? { since: undefined, epoch: 0 }
    this.#gateways.set(gateway, known)
    return known
  }
}
