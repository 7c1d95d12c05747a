/** Whether a lingering block could go: whom its release looks at, and since when they were seen serving it. */
import type { Assign } from './assigned.ts'
import { elapsed, mark } from './clock.ts'
import type { ReleaseItem, SlotPrecondition } from './contract.ts'
import type { Membership } from './membership.ts'
import type { PendingHandOff, Verdict } from './pending-hand-off.ts'

export interface JudgingOptions {
  readonly membership: Membership
  readonly assign: Assign
  /** A block goes only after all its owners were seen serving it for this long, ms: as long as clients take to notice. */
  readonly handoverDelayMs: number
  /** After lingering for this long, ms, one other member that serves the block is enough. Undefined: never. */
  readonly maxPendingMs: number | undefined
}

export interface Judgement {
  readonly verdict: Verdict
  /** Whom the release looks at. */
  readonly targets: readonly string[]
  readonly quorum: ReleaseItem['quorum']
  /** As in Assigned; only where the targets are from there. */
  readonly precondition?: SlotPrecondition | undefined
}

const NOT_NOW: Judgement = { verdict: 'blocked', targets: [], quorum: 'all' }
const NOT_EVER: Judgement = { verdict: 'over', targets: [], quorum: 'all' }

/**
 * Judges by the last look, and notes in `block.seen` who is seen serving. The store decides: this only spares it the
 * questions whose answer is known.
 */
export function judge(block: PendingHandOff, options: JudgingOptions): Judgement {
  const { membership, assign, handoverDelayMs, maxPendingMs } = options
  const { known, host, me } = membership
  if (!known || !host) return NOT_NOW
  const { id, superseding, urgent, since, seen } = block
  const owners = assign(superseding, known.record)
  if (id === superseding.ulid && (owners.targets.includes(me) || owners.failoverOwner === me)) return NOT_EVER

  const tooLong = maxPendingMs !== undefined && elapsed(since, mark(host)) >= maxPendingMs
  const any = urgent || tooLong
  const targets = any ? [...known.live].filter(member => member !== me) : owners.targets
  const now = host.monotonic()
  for (const member of seen.keys()) if (!targets.includes(member)) seen.delete(member)
  for (const member of targets) {
    if (!known.counts(member) || !membership.serves(member, superseding.ulid)) seen.delete(member)
    else if (!seen.has(member)) seen.set(member, now)
  }

  const quorum = any ? 'any' : 'all'
  const precondition = any ? undefined : owners.precondition
  const enough = seen.size > 0 && (any || (!owners.incomplete && targets.every(member => seen.has(member))))
  // Of `any` the one that was seen first, of `all` the one that was seen last.
  const begun = any ? Math.min(...seen.values()) : Math.max(...seen.values())
  if (!enough || known.frozen || !known.fingerprintsAgree) return { verdict: 'blocked', targets, quorum, precondition }
  const wait = begun + (urgent ? 0 : handoverDelayMs) - now
  return { verdict: wait > 0 ? { wait } : 'ready', targets, quorum, precondition }
}
