/**
 * Slots: hash buckets of blocks, each with recorded holders. For ownership plugins that lease slots instead of computing owners.
 * Who may record itself is decided elsewhere (a lock); the record says who was last, and a fence orders them.
 */
import type { Fence, MemberStore, SlotEntry, Stamp, WriteStatus } from './contract.ts'

export interface SlotView {
  /** Grows with every change of a slot, and follows the clock as epochs do; another one where the store has lost records. */
  readonly version: number
  readonly slots: readonly SlotEntry[]
  /** Entries that were left out. */
  readonly broken: number
}

/** Methods as in MemberStore: one atomic step each; rejects with OwnershipUnavailable where the store cannot be reached. */
export interface SlotStore extends MemberStore {
  /** `max(previous + 1, epoch + 1, the store's clock in µs)`: it survives an emptied store as epochs do. */
  fence(): Promise<Fence>
  /**
   * Records the member of the stamp as the holder, or, with `give`, nobody; only where `fence` is larger than the recorded one, and
   * with `give` only where the member is the recorded holder. `older`: it is not, and nothing is written.
   */
  hold(stamp: Stamp, slot: HoldRequest): Promise<WriteStatus | 'older'>
  /** Undefined where the version is still `known`. */
  slots(known: number | undefined): Promise<SlotView | undefined>
}

export interface HoldRequest {
  /** 0 to 65,535. Others, also in guards, reject with `stage-misuse`. */
  readonly slot: number
  /** 0 to 15. */
  readonly rank: number
  readonly fence: Fence
  readonly give: boolean
}
