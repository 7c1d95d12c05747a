/** What is wrong with a run that was done: it changed what it could, and is no success. */
import { inSlices } from '../async/slices.ts'
import { BlockgateError, codeOf, ErrorCode, rawMessageOf } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'
import type { Outcome } from '../contracts/stage.ts'
import type { RunSummary } from '../contracts/summary.ts'
import { partialOutcome } from './summary.ts'
import type { View } from './view.ts'

/**
 * Undefined where nothing is wrong. `listing-failed`: the view was incomplete. `nothing-served`: nothing is `held` though
 * there is something in the bucket; with what stands in the way of most blocks. `ownership-unavailable`: it was not known
 * who owns some blocks.
 */
export async function causeOf(
  host: Host,
  { complete, cause, partial, outcomes }: View,
  { stages }: RunSummary,
  /** Blocks, with those that this run has dropped: nobody wonders about them. */
  held: number,
): Promise<BlockgateError | undefined> {
  const source = stages[0]?.name ?? ''
  if (!complete)
    return BlockgateError.from(cause ?? 'the source did not see everything', ErrorCode.listingFailed, source)
  if (cause !== undefined) return new BlockgateError(ErrorCode.nothingServed, rawMessageOf(cause), { at: source })
  const unknown = stages.some(({ skipped }) => skipped[ErrorCode.ownershipUnavailable])
  if (held > 0 && !unknown) return undefined
  const found = new Map<string, { readonly first: Stopped; blocks: number }>()
  let denied = false
  const see = (outcome: Outcome) => {
    if (outcome.kind !== 'skipped' && outcome.kind !== 'failed') return
    const reason = reasonOf(outcome)
    if (outcome.kind === 'skipped' && outcome.retain && !STOPPED.has(reason)) {
      // Another gateway's; else it only has to get older.
      denied ||= outcome.epoch !== undefined
      return
    }
    const known = found.get(reason)
    if (known) known.blocks++
    else found.set(reason, { first: outcome, blocks: 1 })
  }
  await inSlices(host, partial.values(), block => see(partialOutcome(source, block)))
  await inSlices(host, outcomes.values(), see)
  const nothing = held === 0 && (!denied || found.has(ErrorCode.diskBudget))
  const blamed = nothing
    ? [...found.values()].sort((a, b) => b.blocks - a.blocks)[0]
    : found.get(ErrorCode.ownershipUnavailable)
  if (!blamed) return undefined
  const { first, blocks } = blamed
  const detail = first.kind === 'failed' ? rawMessageOf(first.error) : first.detail
  const message = `${blocks} of ${outcomes.size + partial.size} blocks: ${reasonOf(first)}${detail ? `: ${detail}` : ''}`
  return nothing
    ? new BlockgateError(ErrorCode.nothingServed, `no block is served; ${message}`, { at: first.by })
    : new BlockgateError(ErrorCode.ownershipUnavailable, message, { at: first.by })
}

/** A block that is retained for these is this gateway's, or may be, and does not get served by waiting. */
const STOPPED: ReadonlySet<string> = new Set([ErrorCode.ownershipUnavailable, ErrorCode.diskBudget])

type Stopped = Outcome & { readonly kind: 'skipped' | 'failed' }

function reasonOf(outcome: Stopped): string {
  return outcome.kind === 'skipped' ? outcome.reason : (codeOf(outcome.error) ?? ErrorCode.internal)
}
