/** Counts the blocks that were loaded ahead for nothing. */
import { type BlockId, BlockMap } from 'blockgate'

/** What was not used for so long, ms, is waste; it stays warm all the same. */
const HOUR = 3_600_000

export class Waste {
  /** Since when each is warm, on the monotonic clock. */
  readonly #since = new BlockMap<number>()
  count = 0

  /** The block was loaded ahead. */
  warmed(id: BlockId, now: number): void {
    this.#since.set(id, now)
  }

  /** To be called about once a second: `held` is what is warm now. What is gone from it and not `loaded` was never used. */
  look(held: ReadonlyMap<BlockId, unknown>, loaded: { has(id: BlockId): boolean }, now: number): void {
    for (const [id, since] of this.#since) {
      const isOld = now - since >= HOUR
      if (held.has(id) && !isOld) continue
      this.#since.delete(id)
      if (held.has(id) || !loaded.has(id)) this.count++
    }
  }
}
