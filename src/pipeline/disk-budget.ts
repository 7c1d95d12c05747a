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
  /** Bytes of the loaded blocks and of the loads that go on. */
  #used = 0
  #loading = 0
  /** What blocks that did not fit would have taken: in the run before, and in this one. So they are asked for once. */
  #before = new Map<BlockId, number>()
  #refused = new Map<BlockId, number>()

  /** `limit` in bytes, as the sink counts its blocks. */
  constructor(limit: number, loaded: () => ReadonlyMap<BlockId, LoadedBlock>) {
    this.#limit = limit
    this.#loaded = loaded
  }

  /** Counts what is loaded, at the start of a run. */
  count(): void {
    this.#before = this.#refused
    this.#refused = new Map()
    this.#used = this.#loading
    if (this.#limit === Number.POSITIVE_INFINITY) return
    for (const { bytes } of this.#loaded().values()) this.#used += bytes
  }

  /** Room for a load, by what is known of the block before it. Undefined where there is none. */
  room(id: BlockId): Room | undefined {
    let held = 0
    const hold = (bytes: number) => {
      this.#used += bytes - held
      this.#loading += bytes - held
      held = bytes
    }
    const fits = (bytes: number) => {
      // At least one byte: where the budget is used up, nothing is begun.
      const fit = this.#used - held + Math.max(1, bytes) <= this.#limit
      if (fit) hold(bytes)
      else this.#refused.set(id, bytes)
      return fit
    }
    if (!fits(this.#refused.get(id) ?? this.#before.get(id) ?? 0)) return undefined
    return {
      reserve: bytes => {
        if (fits(bytes)) return
        throw new BlockgateError(
          ErrorCode.diskBudget,
          `diskBudget: must be >= ${this.#used - held + bytes} for this block`,
        )
      },
      keep: () => {
        this.#loading -= held
        held = 0
      },
      end: () => hold(0),
    }
  }

  /** Something was refused since `count()`. */
  get short(): boolean {
    return this.#refused.size > 0
  }
}
