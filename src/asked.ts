/**
 * The loaded blocks that a person is asked about before they are dropped. Kept over restarts: what was loaded since would
 * else make them a few among many.
 */
import { type BlockId, isBlockId } from './block.ts'
import { codeOf, rawMessageOf } from './errors.ts'
import type { Log, StateStore } from './host.ts'

const KEY = 'asked'

export class Asked extends Set<BlockId> {
  #isSaved = true

  override add(id: BlockId): this {
    if (!this.has(id)) this.#isSaved = false
    return super.add(id)
  }

  override delete(id: BlockId): boolean {
    const was = super.delete(id)
    if (was) this.#isSaved = false
    return was
  }

  async load(state: StateStore): Promise<void> {
    const ids = await state.get(KEY)
    if (Array.isArray(ids)) for (const id of ids) if (typeof id === 'string' && isBlockId(id)) super.add(id)
  }

  /** Where it fails, the next run tries again. */
  async save(state: StateStore, log: Log): Promise<void> {
    if (this.#isSaved) return
    this.#isSaved = true
    try {
      await (this.size > 0 ? state.set(KEY, [...this]) : state.delete(KEY))
    } catch (error) {
      this.#isSaved = false
      log.warn('the question whether blocks may go cannot be written down', {
        code: codeOf(error),
        error: rawMessageOf(error),
      })
    }
  }
}
