/** How much the loaded blocks may take. What is held is never dropped for it alone: new adds are refused. */
import type { BlockId } from './block.ts'
import type { LoadedBlock } from './stage.ts'

export class DiskBudget {
  readonly #limit: number
  readonly #loaded: () => ReadonlyMap<BlockId, LoadedBlock>
  #used = 0
  #short = false

  /** `limit` in bytes, as the sink counts its blocks. */
  constructor(limit: number, loaded: () => ReadonlyMap<BlockId, LoadedBlock>) {
    this.#limit = limit
    this.#loaded = loaded
  }

  /** Counts what is loaded, at the start of a run. */
  count(): void {
    this.#used = 0
    for (const { bytes } of this.#loaded().values()) this.#used += bytes
    this.#short = false
  }

  /** Whether `bytes` more fit; if so, they are taken. 0 asks before a load whose size is not known yet. */
  take(bytes: number): boolean {
    const fits = bytes === 0 ? this.#used < this.#limit : this.#used + bytes <= this.#limit
    if (fits) this.#used += bytes
    else this.#short = true
    return fits
  }

  /** Something was refused since `count()`. */
  get short(): boolean {
    return this.#short
  }
}
