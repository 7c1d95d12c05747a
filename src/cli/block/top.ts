/** The largest of many, without keeping the others. */
export class Top<T> {
  readonly #limit: number
  readonly #kept: { readonly count: number; readonly item: T }[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  /** @param item is only made where it is kept; of equal counts the first are */
  offer(count: number, item: () => T): void {
    const kept = this.#kept
    if (kept.length === this.#limit && count <= (kept.at(-1)?.count ?? 0)) return
    let at = kept.length
    while (at > 0 && (kept[at - 1]?.count ?? 0) < count) at--
    kept.splice(at, 0, { count, item: item() })
    kept.length = Math.min(kept.length, this.#limit)
  }

  /** Largest first. */
  done(): readonly T[] {
    return this.#kept.map(({ item }) => item)
  }
}
