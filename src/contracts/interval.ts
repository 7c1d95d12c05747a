/** How long the gateway waits from one listing of the bucket to the next: the contract of an interval that adapts. */
import type { Host, Instance, Problem } from './host.ts'

/** A run that asked the source, and has ended. */
export interface Listed {
  /** When it ended: ms since the epoch. */
  readonly now: number
  /** The same instant, ms of the monotonic clock. */
  readonly monotonic: number
  /** How long it took, ms: what came after its beginning is for the next one. */
  readonly tookMs: number
  /** Blocks that no listing before it showed whole. */
  readonly came: number
  /** List requests since the listing before it, every try. */
  readonly requests: number
  /** False for a run that failed, or whose view was incomplete. */
  readonly ok: boolean
}

/**
 * Why the next listing comes when it comes. `fixed`: the config says so. `staleness`: as often as new blocks must be found.
 * `rate`: more blocks came than at other times. `budget`: more requests are not allowed. `from`, `to`: never sooner, never
 * later. `failed`: the last listing failed. `notification`: somebody said that there is something new. `query`: a query
 * missed a block.
 */
export type IntervalReason =
  | 'fixed'
  | 'staleness'
  | 'rate'
  | 'budget'
  | 'from'
  | 'to'
  | 'failed'
  | 'notification'
  | 'query'

export interface NextListing {
  /** From now. */
  readonly ms: number
  readonly why: IntervalReason
}

/** The interval of one gateway: it sees every listing. No method may throw. */
export interface IntervalController {
  /** After each run that listed. After one that was not ok, `ms` is the longest wait: tries come with a backoff before it, unless `why` is `budget`. */
  next(listed: Listed): NextListing
  /** Ms from now that a listing must wait that somebody asks for, by a notification or a query. Default: 0. */
  soonest?(monotonic: number): number
}

/** What `every` of a config may be beside a duration. A factory is pure and never throws, as a Component's. */
export interface Interval {
  /** Kebab-case, the name of the plugin's folder. */
  readonly name: string
  /** What the factory was given: `blockgate check` and the pages show it. */
  readonly options?: unknown
  /** No interval is longer, ms. */
  readonly longestMs: number
  /** Until the first listing has ended, ms: a run that takes longer lists again. Default: longestMs. */
  readonly firstMs?: number
  /** Pure. What is wrong with the options, also together with `pipeline` of the config, which nobody has checked. */
  check?(pipeline?: unknown): readonly Problem[]
  create(services: { readonly host: Host; readonly instance: Instance }): IntervalController
}
