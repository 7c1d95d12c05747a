/** Placement: which members come first for a block. Pure arithmetic, the same in every member. */
import type { BlockId, Problem } from 'blockgate'

/** A member that placement counts. */
export interface PlacedMember {
  readonly id: string
  readonly zone: string | undefined
}

export interface Placement {
  /** Kebab-case: `rendezvous`, `token-ring`. */
  readonly name: string
  /** As in Component: what the factory was given. */
  readonly options?: unknown
  /** As in Component: pure, paths relative to the placement. */
  check?(): readonly Problem[]
  /** Part of the config fingerprint, in which all members must agree; another text wherever the ranks may differ. */
  readonly fingerprint: string
  /** Pure, once an epoch: the same members give the same ranks, in whatever order they come. No two have one id. */
  prepare(members: readonly PlacedMember[]): Ranking
}

export interface Ranking {
  /**
   * Member ids for this block, best first, each at most once, zones not regarded. It may be lazy: who needs the first few
   * takes the first few. Each iteration starts anew.
   */
  rank(block: BlockId): Iterable<string>
}

/** Members by id, in the order of UTF-16 code units: no locale, so the same everywhere. */
export function byId<T extends PlacedMember>(members: readonly T[]): readonly T[] {
  return [...members].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
}
