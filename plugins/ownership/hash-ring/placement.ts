/** Placement: which members come first for a block. Pure arithmetic, the same in every member. */
import type { BlockId, BlockMeta, Candidate, PlacementCounts, Problem } from 'blockgate'
import type { Assign, Membership } from 'blockgate/members'

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
  /**
   * Pure, once an epoch: the same members and the same `published` give the same ranks, in whatever order they come. No two have one id.
   * `published` is what members of this placement published last: untrusted, and undefined where nothing was.
   */
  prepare(members: readonly PlacedMember[], published?: string): Ranking
  /** Of a placement that is published: what works out when it is due, and publishes it. One for each hashRing(). */
  readonly publisher?: ((ring: PlacedRing) => Publisher) | undefined
}

/** What a placement that is published is told of its ring. */
export interface PlacedRing {
  readonly membership: Membership
  /** As the members do: by what is published, not by what might be. */
  readonly assign: Assign
  readonly replicas: number
  readonly zones: readonly string[] | undefined
}

/** Publishes a placement where it is due. Nothing that it works out counts before the store has it. */
export interface Publisher {
  /** All blocks there are, by the last complete view of the bucket. */
  offered(blocks: readonly Candidate[]): void
  /** After each poll of the store. Returns at once. */
  polled(): void
  counts(): PlacementCounts
}

export interface Ranking {
  /**
   * Member ids for this block, best first, each at most once, zones not regarded. It may be lazy: who needs the first few
   * takes the first few. Each iteration starts anew. Without `meta`, what a placement reads of it beside the id is not known.
   */
  rank(block: BlockId, meta?: BlockMeta): Iterable<string>
  /** Why the block has these ranks, for people. */
  why?(block: BlockMeta): string
}

/** Members by id, in the order of UTF-16 code units: no locale, so the same everywhere. */
export function byId<T extends PlacedMember>(members: readonly T[]): readonly T[] {
  return [...members].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
}
