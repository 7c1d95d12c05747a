/** What reconcile knows of loaded blocks, kept over restarts: a `sync` is a process of its own. */
import { type BlockId, isBlockId } from '../contracts/block.ts'
import { codeOf, rawMessageOf } from '../contracts/errors.ts'
import type { Log, StateStore } from '../contracts/host.ts'

export class KeptIds extends Set<BlockId> {
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
    for (const id of this) this.delete(id)
  }

  async load(state: StateStore): Promise<void> {
    const ids = await state.get(this.#key)
    if (Array.isArray(ids)) for (const id of ids) if (typeof id === 'string' && isBlockId(id)) super.add(id)
  }

  /** Where it fails, the next run tries again. */
  async save(state: StateStore, log: Log): Promise<void> {
    if (this.#isSaved) return
    this.#isSaved = true
    try {
      await (this.size > 0 ? state.set(this.#key, [...this]) : state.delete(this.#key))
    } catch (error) {
      this.#isSaved = false
      log.warn(`the ${this.#key} blocks cannot be written down`, {
        code: codeOf(error),
        error: rawMessageOf(error),
      })
    }
  }
}
