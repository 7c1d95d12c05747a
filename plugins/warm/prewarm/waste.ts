/** Counts the blocks that were loaded ahead for nothing. */
import { type BlockId, BlockMap } from 'blockgate'

/** What was not used for so long, ms, is waste; it stays warm all the same. */
const HOUR = 3_600_000

export class Waste {
  /** Since when each is warm, on the monotonic clock; undefined: it is counted. */
  readonly #since = new BlockMap<number | undefined>()
  count = 0

  /** To be called about once a second: `held` is what is warm now. What is gone from it and not `loaded` was never used. */
  look(held: ReadonlyMap<BlockId, unknown>, loaded: { has(id: BlockId): boolean }, now: number): void {
    for (const [id, since] of this.#since) {
      if (!held.has(id)) {
        this.#since.delete(id)
        if (since !== undefined && !loaded.has(id)) this.count++
      } else if (since !== undefined && now - since >= HOUR) {
        this.#since.set(id, undefined)
        this.count++
      }
    }
    for (const id of held.keys()) if (!this.#since.has(id)) this.#since.set(id, now)
  }
}
