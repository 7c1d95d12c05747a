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
  /** Of the slowest so far. */
  maxMs = 0

  /** Epochs that anybody has seen. */
  get epochs(): number {
    return this.#raised.size
  }

  /** The gateway is ready from now on: what is raised after `at` it must notice. */
  ready(gateway: string, at: number): void {
    this.#known(gateway).since ??= at
  }

  /** The gateway has seen `epoch` at `at`, ms since the epoch of Unix. @returns the longest it took for one that it was ready for */
  saw(gateway: string, epoch: number, at: number): number {
    const known = this.#known(gateway)
    const { since } = known
    this.#raised.add(epoch)
    const missed = [...this.#raised].filter(raised => raised > known.epoch && raised <= epoch)
    const due = missed.filter(raised => since !== undefined && raised / 1000 >= since)
    const longest = Math.max(0, ...due.map(raised => at - raised / 1000))
    known.epoch = Math.max(known.epoch, epoch)
    this.maxMs = Math.max(this.maxMs, longest)
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
