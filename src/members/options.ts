/** The options that every ownership plugin over a member store has: what they are, and what is wrong with them. */
import * as v from 'valibot'
import { checkOptions, durationOption } from '../contracts/check.ts'
import { type Duration, durationMs, parseDuration } from '../contracts/duration.ts'
import type { Problem } from '../contracts/host.ts'
import type { MemberStore } from './contract.ts'
import type { HandoverOptions } from './handover.ts'
import type { MembershipOptions } from './membership.ts'

export interface MemberOptions {
  /** Copies of each block, an integer >= 1. All members must have the same. Default 1. */
  readonly replicas?: number | undefined
  /**
   * A block goes from its old owner only after its new ones were seen serving it for this long: at least what clients take to
   * find a gateway, plus their longest query. Default '30s'.
   */
  readonly handoverDelay?: Duration | undefined
  /** After waiting for this long, a block goes where one other member serves it. A last copy stays all the same. Default: never. */
  readonly maxPendingHandOff?: Duration | undefined
  /** @deprecated The name of `maxPendingHandOff` until 0.1. */
  readonly maxLinger?: Duration | undefined
  /** Nothing is claimed before this many members were up at once, or `startGrace` is over. Default 1. */
  readonly minMembers?: number | undefined
  /** How long `minMembers` is waited for, and how long a store that cannot be reached at the start. Default '60s'. */
  readonly startGrace?: Duration | undefined
  /** How often this member sends a heartbeat, and polls the store for the others. Default '3s'. */
  readonly heartbeat?: Duration | undefined
  /** @deprecated The name of `heartbeat` until 0.1. */
  readonly beat?: Duration | undefined
  /** A member without a new heartbeat for this long is marked unhealthy; at least three heartbeats. Default '15s'. */
  readonly expireAfter?: Duration | undefined
  /** An unhealthy member keeps its place for this long: a restart moves nothing. Default '5m'. */
  readonly grace?: Duration | undefined
  /** An evicted member is removed after this long. Default '30m'. */
  readonly forgetAfter?: Duration | undefined
  /** Where operators reach this gateway, such as `http://gw-1:8080`; shown, never called. Default: none. */
  readonly address?: string | undefined
}

/** What an option is where it is not given. */
const DEFAULTS = {
  handoverDelay: '30s',
  startGrace: '60s',
  heartbeat: '3s',
  expireAfter: '15s',
  grace: '5m',
  forgetAfter: '30m',
} as const

const atLeastOne = v.pipe(v.number(), v.integer('be an integer'), v.minValue(1, 'be >= 1'))
const positive = v.custom<Duration>(value => (parseDuration(value) ?? 0) > 0, "be a duration > 0, such as '3s'")

const ENTRIES: v.ObjectEntries = {
  replicas: v.optional(atLeastOne),
  handoverDelay: v.optional(durationOption),
  maxPendingHandOff: v.optional(durationOption),
  maxLinger: v.optional(durationOption),
  minMembers: v.optional(atLeastOne),
  startGrace: v.optional(durationOption),
  heartbeat: v.optional(positive),
  beat: v.optional(positive),
  expireAfter: v.optional(positive),
  grace: v.optional(durationOption),
  forgetAfter: v.optional(durationOption),
  address: v.optional(v.string()),
}

/** What is wrong with options that have `entries` beside those of MemberOptions; the store's own problems have paths below `store`. */
export function checkMemberOptions(
  options: MemberOptions & { readonly store: MemberStore },
  isStore: (store: object) => boolean,
  entries: v.ObjectEntries,
): readonly Problem[] {
  const store = v.custom<MemberStore>(
    value => typeof value === 'object' && value !== null && isStore(value),
    'be a member store, such as redisStore()',
  )
  const own = checkOptions(options, { store, ...ENTRIES, ...entries })
  const parts = own.some(({ path }) => path === 'store') ? [] : problemsBelow('store', options?.store?.check?.())
  const timed = own.some(({ path }) => ['heartbeat', 'beat', 'expireAfter'].includes(path))
  const times = timed ? [] : expireProblems(options ?? {})
  return [...own, ...times, ...parts]
}

/** The problems of a part, with paths below `at`. */
export function problemsBelow(at: string, problems: readonly Problem[] = []): readonly Problem[] {
  return problems.map(problem => ({ ...problem, path: problem.path === '' ? at : `${at}.${problem.path}` }))
}

/** The options with their defaults, durations in ms, as Membership and MemberHandover take them. */
export function memberTimes(
  given: MemberOptions,
): Omit<MembershipOptions, 'store' | 'fingerprint' | 'beside'> &
  Pick<HandoverOptions, 'handoverDelayMs' | 'maxPendingMs'> {
  // What is no object is told by check(); until then it must not make a factory throw.
  const options = given ?? {}
  return {
    minMembers: options.minMembers ?? 1,
    address: options.address,
    startGraceMs: durationMs(options.startGrace, DEFAULTS.startGrace),
    heartbeatMs: durationMs(options.heartbeat ?? options.beat, DEFAULTS.heartbeat),
    expireAfterMs: durationMs(options.expireAfter, DEFAULTS.expireAfter),
    graceMs: durationMs(options.grace, DEFAULTS.grace),
    forgetAfterMs: durationMs(options.forgetAfter, DEFAULTS.forgetAfter),
    handoverDelayMs: durationMs(options.handoverDelay, DEFAULTS.handoverDelay),
    maxPendingMs: parseDuration(options.maxPendingHandOff ?? options.maxLinger),
  }
}

function expireProblems({ beat, heartbeat = beat, expireAfter }: MemberOptions): readonly Problem[] {
  const least = 3 * (parseDuration(heartbeat ?? DEFAULTS.heartbeat) ?? 0)
  const value = parseDuration(expireAfter ?? DEFAULTS.expireAfter) ?? 0
  return value >= least ? [] : [{ path: 'expireAfter', must: `be >= 3 × heartbeat (${least} ms)`, value }]
}
