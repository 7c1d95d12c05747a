/** Ownership changes that nobody has acted on yet. They come as often as members come and go; what is kept of them is bounded. */
import type { BlockMeta } from '../contracts/block.ts'
import type { OwnershipChange } from '../contracts/ownership.ts'

/** More than so many stand for a change of everything: asking once too often is cheap, asking too seldom loses a block. */
const MOST = 64

export class Changes {
  #list: readonly OwnershipChange[] = []

  add(change: OwnershipChange): void {
    this.#list = this.#list.length < MOST ? [...this.#list, change] : [{ ...change, affects: () => true }]
  }

  get none(): boolean {
    return this.#list.length === 0
  }

  /** Whether one of them affects the block; also where the plugin cannot say. */
  affects(block: BlockMeta): boolean {
    return this.#list.some(change => {
      try {
        return change.affects(block) !== false
      } catch {
        return true
      }
    })
  }
}
