/** How much the loaded blocks may take. What is held is never dropped for it alone: new adds are refused. */
import type { BlockId } from '../contracts/block.ts'
import { BlockgateError, ErrorCode } from '../contracts/errors.ts'
import type { LoadedBlock } from '../contracts/stage.ts'

/** The room of one load. */
export interface Room {
  /** The load takes `bytes` in all. @throws BlockgateError `disk-budget` where they do not fit */
  reserve(bytes: number): void
  /** The block is loaded now. */
  keep(): void
  /** The load has ended: gives back what was not kept. */
  end(): void
}

export class DiskBudget {
  readonly #limit: number
  readonly #loaded: () => ReadonlyMap<BlockId, LoadedBlock>
  readonly #onLeft: (bytes: number) => void
  /** Bytes of the loaded blocks, and of the loads that go on. */
  #kept = 0
  #loading = 0
  /** What blocks that did not fit would have taken: in the run before, and in this one. So they are asked for once. */
  #before = new Map<BlockId, number>()
  #refused = new Map<BlockId, number>()

  /** `limit` in bytes, as the sink counts its blocks. `onLeft`: called with what is left, when more is taken: all else must fit into it. */
  constructor(limit: number, loaded: () => ReadonlyMap<BlockId, LoadedBlock>, onLeft: (bytes: number) => void) {
    this.#limit = limit
    this.#loaded = loaded
    this.#onLeft = onLeft
  }

  /** Bytes that neither loaded blocks nor loads take. */
  get left(): number {
    return Math.max(0, this.#limit - this.#kept - this.#loading)
  }

  /** Counts what is loaded, at the start of a run. */
  count(): void {
    this.#before = this.#refused
    this.#refused = new Map()
    this.#kept = 0
    if (this.#limit === Number.POSITIVE_INFINITY) return
    for (const { bytes } of this.#loaded().values()) this.#kept += bytes
    this.#onLeft(this.left)
  }

  /** Room for a load, by what is known of the block before it. @throws BlockgateError `disk-budget` where there is none */
  room(id: BlockId): Room {
    let mine = 0
    const take = (bytes: number) => {
      this.#loading += bytes - mine
      if (bytes > mine) this.#onLeft(this.left)
      mine = bytes
    }
    const reserve = (bytes: number) => {
      const others = this.#kept + this.#loading - mine
      // At least one byte: where the budget is used up, nothing is begun.
      if (others + Math.max(1, bytes) <= this.#limit) return take(bytes)
      this.#refused.set(id, bytes)
      throw new BlockgateError(ErrorCode.diskBudget, `diskBudget: must be >= ${others + bytes} for this block`)
    }
    const keep = () => {
      this.#kept += mine
      take(0)
    }
    reserve(this.#refused.get(id) ?? this.#before.get(id) ?? 0)
    return { reserve, keep, end: () => take(0) }
  }

  /** Something was refused since `count()`. */
  get short(): boolean {
    return this.#refused.size > 0
  }
}
