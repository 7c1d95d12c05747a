/** What the shared library must be told of a plugin's placement. */
import type { BlockMeta } from '../contracts/block.ts'
import type { EntriesView, SlotPrecondition } from './contract.ts'

export interface Assigned {
  /** Who is to hold the block, by rank, down or not. */
  readonly targets: readonly string[]
  /** Who holds it in their place, where none of them is live. */
  readonly failoverOwner: string | undefined
  /** Every member that may hold it, by rank. */
  readonly ranked: readonly string[]
  /** A member that could be a target is still to become one: until then nobody lets go of the block. */
  readonly incomplete?: boolean
  /** What the targets were taken from beside the record, for the store to compare. */
  readonly precondition?: SlotPrecondition | undefined
}

/** Pure: the same record gives the same answer in every member. */
export type Assign = (block: BlockMeta, record: EntriesView) => Assigned
