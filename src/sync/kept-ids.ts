/** What reconcile knows of loaded blocks, kept over restarts: a `sync` is a process of its own. */
import { inSlices } from '../async/slices.ts'
import { type BlockId, isBlockId } from '../contracts/block.ts'
import { BlockSet } from '../contracts/block-map.ts'
import { errorFields } from '../contracts/errors.ts'
import type { Host, StateStore } from '../contracts/host.ts'

export class KeptIds extends BlockSet {
  readonly #key: string
  #isSaved = true

  constructor(key: string) {
    super()
    this.#key = key
  }

  override add(id: BlockId): this {
    if (!this.has(id)) this.#isSaved = false
    return super.add(id)
  }

  override delete(id: BlockId): boolean {
    const was = super.delete(id)
    if (was) this.#isSaved = false
    return was
  }

  override clear(): void {
    if (this.size > 0) this.#isSaved = false
    super.clear()
  }

  async load(state: StateStore, host: Host): Promise<void> {
    const ids = await state.get(this.#key)
    if (!Array.isArray(ids)) return
    await inSlices(host, ids, id => typeof id === 'string' && isBlockId(id) && super.add(id))
  }

  /** Where it fails, the next run tries again. */
  async save(state: StateStore, host: Host): Promise<void> {
    if (this.#isSaved) return
    this.#isSaved = true
    try {
      const ids: BlockId[] = []
      await inSlices(host, this, id => ids.push(id))
      await (ids.length > 0 ? state.set(this.#key, ids) : state.delete(this.#key))
    } catch (error) {
      this.#isSaved = false
      host.log.warn(`the ${this.#key} blocks cannot be written down`, errorFields(error))
    }
  }
}
