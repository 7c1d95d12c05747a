/** Who is to hold a block, for one epoch: worked out once a block, then looked up. */
import { type BlockId, BlockMap, type BlockMeta } from 'blockgate'
import type { Assigned, MemberEntry } from 'blockgate/members'
import type { Placement, Ranking } from './placement.ts'
import { targets, zoneLimits } from './zoned.ts'

/** What assignments read of a member's record. */
export type AssignedMember = Pick<MemberEntry, 'id' | 'zone' | 'state' | 'placed' | 'draining'>

export interface AssignmentsOptions {
  readonly placement: Placement
  /** Copies of a block, >= 1. */
  readonly replicas: number
  /** All zones, each once and never none; undefined: zones do not count. */
  readonly zones?: readonly string[] | undefined
  /** As in Placement.prepare(). */
  readonly published?: string | undefined
}

/** Kept answers; past it all are forgotten. So blocks that are gone do not stay in an epoch that lasts for months. */
const MOST_KEPT = 500_000

/**
 * The assignments of one record; a new epoch takes a new one. All of it follows from the record and what is published with it, so
 * members with one record give one answer. Placement counts the members that are placed, do not drain, and, where zones are declared, are in one of these.
 */
export class Assignments {
  readonly #known = new BlockMap<Assigned>()
  readonly #replicas: number
  readonly #ranking: Ranking
  readonly #members: ReadonlyMap<string, AssignedMember>
  readonly #limits: ReadonlyMap<string, number> | undefined
  readonly #zones: readonly string[] | undefined

  constructor(members: Iterable<AssignedMember>, { placement, replicas, zones, published }: AssignmentsOptions) {
    const counted = [...members].filter(({ placed, draining, zone }) => {
      return placed && !draining && (zones === undefined || (zone !== undefined && zones.includes(zone)))
    })
    this.#replicas = replicas
    this.#zones = zones
    this.#members = new Map(counted.map(member => [member.id, member]))
    this.#ranking = placement.prepare(counted, published)
    this.#limits = zoneLimits(counted, replicas, zones)
  }

  /** Who is to hold `block`. The second time it is one look-up, and allocates nothing. */
  of(block: BlockId, meta?: BlockMeta): Assigned {
    return this.#known.get(block) ?? this.#assign(block, meta)
  }

  /** The targets of `block` if the member `gone` were not there. Nothing is kept. */
  without(block: BlockId, gone: string, meta?: BlockMeta): readonly string[] {
    const members = this.#members
    const others = [...this.#ranking.rank(block, meta)].filter(id => id !== gone)
    const left = [...members.values()].filter(({ id }) => id !== gone)
    const limits = this.#limits && zoneLimits(left, this.#replicas, this.#zones)
    return targets(others, id => members.get(id)?.zone, this.#replicas, limits)
  }

  #assign(block: BlockId, meta: BlockMeta | undefined): Assigned {
    const members = this.#members
    const ranking = this.#ranking
    const isLive = (id: string): boolean => members.get(id)?.state !== 'down'
    const chosen = targets(ranking.rank(block, meta), id => members.get(id)?.zone, this.#replicas, this.#limits)
    const assigned: Assigned = {
      targets: chosen,
      failoverOwner: chosen.some(isLive) ? undefined : first(ranking.rank(block, meta), isLive),
      // Worked out at each call: for those who look at one block, not at all.
      get why() {
        return meta && ranking.why?.(meta)
      },
      get ranked() {
        return [...ranking.rank(block, meta)]
      },
    }
    if (this.#known.size >= MOST_KEPT) this.#known.clear()
    this.#known.set(block, assigned)
    return assigned
  }
}

function first(ids: Iterable<string>, matches: (id: string) => boolean): string | undefined {
  for (const id of ids) if (matches(id)) return id
  return undefined
}
