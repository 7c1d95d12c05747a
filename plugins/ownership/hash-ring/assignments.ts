/** Who is to hold a block, for one epoch: worked out once a block, then looked up. */
import { type BlockId, BlockMap } from 'blockgate'
import type { MemberEntry } from 'blockgate/members'
import type { Placement, Ranking } from './placement.ts'
import { targets, zoneLimits } from './zoned.ts'

/** What assignments read of a member's record. */
export type AssignedMember = Pick<MemberEntry, 'id' | 'zone' | 'state' | 'placed' | 'draining'>

export interface AssignmentsOptions {
  /** The id of this member; it need not be among the members. */
  readonly self: string
  readonly placement: Placement
  /** Copies of a block, >= 1. */
  readonly replicas: number
  /** All zones, each once and never none; undefined: zones do not count. */
  readonly zones?: readonly string[] | undefined
}

/** All of it follows from the record alone: members with one record give one answer, but for `mine` and `standingIn`. */
export interface Assignment {
  /** The members that placement chose, by rank, whether they are down or not. Fewer than `replicas` where there are no more. */
  readonly targets: readonly string[]
  /** The first live member by rank, where no target is live. */
  readonly failoverOwner: string | undefined
  /** This member is a target. */
  readonly mine: boolean
  /** This member is the failover owner. */
  readonly failingOver: boolean
  /** Every member that placement counts, by rank. Worked out at each call: for those who look at one block, not at all. */
  readonly ranked: readonly string[]
}

/** Kept answers; past it all are forgotten. So blocks that are gone do not stay in an epoch that lasts for months. */
const MOST_KEPT = 500_000

/**
 * The assignments of one record; a new epoch takes a new one. Placement counts the members that are placed, do not drain, and,
 * where zones are declared, are in one of these.
 */
export class Assignments {
  /** Ids of members that placement would count if their zone were one of the declared ones. */
  readonly outsideZones: readonly string[]
  readonly #known = new BlockMap<Assignment>()
  readonly #options: AssignmentsOptions
  readonly #ranking: Ranking
  readonly #members: ReadonlyMap<string, AssignedMember>
  readonly #limits: ReadonlyMap<string, number> | undefined

  constructor(members: Iterable<AssignedMember>, options: AssignmentsOptions) {
    const { placement, replicas, zones } = options
    const counted = [...members].filter(member => member.placed && !member.draining)
    const isPlaced = ({ zone }: AssignedMember): boolean =>
      zones === undefined || (zone !== undefined && zones.includes(zone))
    const inZones = counted.filter(isPlaced)
    this.outsideZones = counted.filter(member => !isPlaced(member)).map(member => member.id)
    this.#options = options
    this.#members = new Map(inZones.map(member => [member.id, member]))
    this.#ranking = placement.prepare(inZones)
    this.#limits = zoneLimits(inZones, replicas, zones)
  }

  /** Who is to hold `block`. The second time it is one look-up, and allocates nothing. */
  of(block: BlockId): Assignment {
    return this.#known.get(block) ?? this.#assign(block)
  }

  #assign(block: BlockId): Assignment {
    const { self, replicas } = this.#options
    const members = this.#members
    const ranking = this.#ranking
    const isLive = (id: string): boolean => members.get(id)?.state !== 'down'
    const chosen = targets(ranking.rank(block), id => members.get(id)?.zone, replicas, this.#limits)
    const failoverOwner = chosen.some(isLive) ? undefined : first(ranking.rank(block), isLive)
    const assignment = new BlockAssignment(block, ranking, chosen, failoverOwner, self)
    if (this.#known.size >= MOST_KEPT) this.#known.clear()
    this.#known.set(block, assignment)
    return assignment
  }
}

class BlockAssignment implements Assignment {
  readonly targets: readonly string[]
  readonly failoverOwner: string | undefined
  readonly mine: boolean
  readonly failingOver: boolean
  readonly #block: BlockId
  readonly #ranking: Ranking

  constructor(
    block: BlockId,
    ranking: Ranking,
    chosen: readonly string[],
    failoverOwner: string | undefined,
    self: string,
  ) {
    this.targets = chosen
    this.failoverOwner = failoverOwner
    this.mine = chosen.includes(self)
    this.failingOver = failoverOwner === self
    this.#block = block
    this.#ranking = ranking
  }

  get ranked(): readonly string[] {
    return [...this.#ranking.rank(this.#block)]
  }
}

function first(ids: Iterable<string>, matches: (id: string) => boolean): string | undefined {
  for (const id of ids) if (matches(id)) return id
  return undefined
}
