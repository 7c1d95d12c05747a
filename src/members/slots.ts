/**
 * Slots: hash buckets of blocks, each with recorded holders. For ownership plugins that lease slots instead of computing owners.
 * Who may record itself is decided elsewhere (a lock); the record says who was last, and a fence orders them.
 */
import type { MemberStore, Stamp, WriteStatus } from './contract.ts'

/** Larger than every one given before by the same store; never raises the epoch. */
export type Fence = number

export interface SlotRecord {
  readonly slot: number
  /** A slot has as many ranks as a block has copies. */
  readonly rank: number
  /** A member's id; `''`: given up, and free for whoever wins the lock. */
  readonly holder: string
  readonly fence: Fence
}

export interface SlotView {
  /** Changes with every change of a slot. */
  readonly version: number
  readonly slots: readonly SlotRecord[]
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
  readonly slot: number
  readonly rank: number
  readonly fence: Fence
  readonly give: boolean
}

/** In a ReleaseItem: the step is done only where these are still the records of the slot, all of them. */
export interface SlotGuard {
  readonly slot: number
  /** By rank; ranks nobody ever held are absent. */
  readonly holders: readonly Omit<SlotRecord, 'slot'>[]
}
