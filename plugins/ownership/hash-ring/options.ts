/** The options of hashRing(): what they are, and what is wrong with them. */
import type { Problem } from 'blockgate'
import { checkMemberOptions, MEMBER_ID, type MemberOptions, type MemberStore, problemsBelow } from 'blockgate/members'
import * as v from 'valibot'
import type { Placement } from './placement.ts'
import { rendezvous } from './rendezvous.ts'

export interface HashRingOptions extends MemberOptions {
  /** Where the members meet: `redisStore()`, or `memoryStore()` within one process. */
  readonly store: MemberStore
  /**
   * All zones, each once. Then `instance.zone` must be one of them, and no zone holds more than ⌈replicas ÷ zones⌉ copies of a
   * block. Default: zones do not count.
   */
  readonly zones?: readonly string[] | undefined
  /** Which members come first for a block. All members must have the same. Default `rendezvous()`. */
  readonly placement?: Placement | undefined
}

const zone = v.pipe(v.string(), v.regex(MEMBER_ID, `match ${MEMBER_ID.source}`))

const ENTRIES = {
  zones: v.optional(
    v.pipe(
      v.array(zone),
      v.minLength(1, 'have at least one zone'),
      v.check(zones => new Set(zones).size === zones.length, 'name each zone once'),
    ),
  ),
  placement: v.optional(v.custom<Placement>(isPlacement, 'be a placement, such as rendezvous()')),
}

/** Problems of the store and of the placement have paths below `store` and `placement`. */
export function checkHashRing(options: HashRingOptions): readonly Problem[] {
  const problems = checkMemberOptions(options, isStore, ENTRIES)
  if (problems.some(({ path }) => path === 'placement')) return problems
  return [...problems, ...problemsBelow('placement', (options?.placement ?? rendezvous()).check?.())]
}

function isStore(store: object): boolean {
  return 'join' in store && 'heartbeats' in store && 'release' in store
}

function isPlacement(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'fingerprint' in value && 'prepare' in value
}
