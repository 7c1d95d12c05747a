/** The options of hashRing(): what they are, and what is wrong with them. */
import { checkOptions, type Duration, durationOption, type Problem, parseDuration } from 'blockgate'
import { MEMBER_ID, type MemberStore } from 'blockgate/members'
import * as v from 'valibot'
import type { Placement } from './placement.ts'
import { rendezvous } from './rendezvous.ts'

export interface HashRingOptions {
  /** Where the members meet: `redisStore()`, or `memoryStore()` within one process. */
  readonly store: MemberStore
  /** Copies of each block, an integer >= 1. All members must have the same. Default 1. */
  readonly replicas?: number | undefined
  /**
   * All zones, each once. Then `instance.zone` must be one of them, and no zone holds more than ⌈replicas ÷ zones⌉ copies of a
   * block. Default: zones do not count.
   */
  readonly zones?: readonly string[] | undefined
  /** Which members come first for a block. All members must have the same. Default `rendezvous()`. */
  readonly placement?: Placement | undefined
  /**
   * A block goes from its old owner only after its new ones were seen serving it for this long: at least what clients take to
   * find a gateway, plus their longest query. Default '30s'.
   */
  readonly handoverDelay?: Duration | undefined
  /** After lingering for this long, one other member that serves the block is enough. A last copy stays all the same. Default: never. */
  readonly maxLinger?: Duration | undefined
  /** Nothing is claimed before this many members were up at once, or `startGrace` is over. Default 1. */
  readonly minMembers?: number | undefined
  /** How long `minMembers` is waited for, and how long a store that cannot be reached at the start. Default '60s'. */
  readonly startGrace?: Duration | undefined
  /** How often this member says that it is there, and looks who else is. Default '3s'. */
  readonly beat?: Duration | undefined
  /** A member whose beat has not moved for this long is set down; at least three beats. Default '15s'. */
  readonly expireAfter?: Duration | undefined
  /** A member that is down keeps its place for this long: a restart moves nothing. Default '5m'. */
  readonly grace?: Duration | undefined
  /** A member that has lost its place is removed after this long. Default '30m'. */
  readonly forgetAfter?: Duration | undefined
  /** Where operators reach this gateway, such as `http://gw-1:8080`; shown, never called. Default: none. */
  readonly address?: string | undefined
}

/** What an option is where it is not given. */
export const DEFAULTS = {
  handoverDelay: '30s',
  startGrace: '60s',
  beat: '3s',
  expireAfter: '15s',
  grace: '5m',
  forgetAfter: '30m',
} as const

const atLeastOne = v.pipe(v.number(), v.integer('be an integer'), v.minValue(1, 'be >= 1'))
const positive = v.custom<Duration>(value => (parseDuration(value) ?? 0) > 0, "be a duration > 0, such as '3s'")
const zone = v.pipe(v.string(), v.regex(MEMBER_ID, `match ${MEMBER_ID.source}`))

const ENTRIES = {
  store: v.custom<MemberStore>(isStore, 'be a member store, such as redisStore()'),
  replicas: v.optional(atLeastOne),
  zones: v.optional(
    v.pipe(
      v.array(zone),
      v.minLength(1, 'have at least one zone'),
      v.check(zones => new Set(zones).size === zones.length, 'name each zone once'),
    ),
  ),
  placement: v.optional(v.custom<Placement>(isPlacement, 'be a placement, such as rendezvous()')),
  handoverDelay: v.optional(durationOption),
  maxLinger: v.optional(durationOption),
  minMembers: v.optional(atLeastOne),
  startGrace: v.optional(durationOption),
  beat: v.optional(positive),
  expireAfter: v.optional(positive),
  grace: v.optional(durationOption),
  forgetAfter: v.optional(durationOption),
  address: v.optional(v.string()),
}

/** Problems of the store and of the placement have paths below `store` and `placement`. */
export function checkHashRing(options: HashRingOptions): readonly Problem[] {
  const own = checkOptions(options, ENTRIES)
  const wrong = new Set(own.map(({ path }) => path))
  const parts = [
    ...(wrong.has('store') ? [] : below('store', options.store?.check?.())),
    ...(wrong.has('placement') ? [] : below('placement', (options.placement ?? rendezvous()).check?.())),
  ]
  return [...own, ...(own.length > 0 ? [] : expireProblems(options)), ...parts]
}

function expireProblems({ beat, expireAfter }: HashRingOptions): readonly Problem[] {
  const least = 3 * (parseDuration(beat ?? DEFAULTS.beat) ?? 0)
  const value = parseDuration(expireAfter ?? DEFAULTS.expireAfter) ?? 0
  return value >= least ? [] : [{ path: 'expireAfter', must: `be >= 3 × beat (${least} ms)`, value }]
}

function below(at: string, problems: readonly Problem[] = []): readonly Problem[] {
  return problems.map(({ path, must, value }) => ({ path: path === '' ? at : `${at}.${path}`, must, value }))
}

function isStore(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'join' in value && 'beats' in value && 'release' in value
}

function isPlacement(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'rules' in value && 'prepare' in value
}
