/**
 * Whether this gateway may be asked: from the moment when every block assigned to it has a verdict, and until it stops. A
 * latch: no new block, no corrupt one, no churn and no lost store takes it back.
 */
import type { BlockId } from './block.ts'
import { ErrorCode, isOwnershipUnavailable } from './errors.ts'
import type { Handover, Standing } from './ownership.ts'
import type { RunResult } from './run-result.ts'
import type { Offered } from './view.ts'

export interface Readiness {
  readonly ready: boolean
  /** Nothing new is begun any more. */
  readonly stopping: boolean
  /** One sentence, without a final period. */
  readonly reason: string
  /** It is ready, and does not know of some blocks whether they belong here: `reason` says why. */
  readonly partial?: boolean
}

/** Why a gateway is ready that knows of no member but itself. */
export const ALONE =
  'the member store cannot be reached: what is held is served, and which other blocks belong here is not known'

/** What readiness() is told. */
export interface ReadinessFacts {
  /** Every block had a verdict, at some time. */
  readonly settled: boolean
  /** The member store could not be reached at the start, for longer than the grace for it, and blocks were held. */
  readonly alone: boolean
  readonly stopping: boolean
  /** How the last run ended; undefined before the first. */
  readonly last: Pick<RunResult, 'status'> | undefined
  /** Undefined where the plugin has no handover. */
  readonly standing: Standing | undefined
  /** How many blocks are loaded. */
  readonly held: number
}

export function readiness({ settled, alone, stopping, last, standing, held }: ReadinessFacts): Readiness {
  const no = (reason: string): Readiness => ({ ready: false, stopping, reason })
  if (stopping) return no('the gateway is stopping')
  if (standing === 'superseded') return no('a newer process has the id of this gateway')
  if (standing === 'leaving' && held === 0) return no('drained: others serve every block')
  if (settled) return { ready: true, stopping, reason: 'every block had a verdict' }
  if (alone) {
    return { ready: true, stopping, reason: ALONE, partial: true }
  }
  if (standing === 'alone') {
    return no('the member store cannot be reached and no block is held: which blocks belong here is not known')
  }
  if (!last) return no('the first run has not ended')
  if (last.status === 'done') return no('no run so far gave every block a verdict')
  return no(`no run was done so far: the last one ${last.status}`)
}

/** True for a run after which nothing is unknown: it saw the whole bucket, and nobody left a question about a block open. */
export function settles({ status, summary, outcomes }: RunResult): boolean {
  if (status !== 'done' || !summary.run.complete) return false
  for (const outcome of outcomes.values()) {
    if (outcome.kind === 'skipped' && outcome.reason === ErrorCode.ownershipUnavailable) return false
  }
  return true
}

/**
 * True where nobody misses this gateway: each block assigned to it is loaded here, served by a live other, or held back by a
 * stage. So one that joins a healthy cluster is ready at once, for the old owners linger.
 */
export function covered(
  { offered, outcomes }: Offered,
  handover: Handover,
  loaded: ReadonlyMap<BlockId, unknown>,
  me: string,
): boolean {
  try {
    return offered.every(({ meta }) => {
      const outcome = outcomes.get(meta.ulid)
      if (loaded.has(meta.ulid) || (outcome?.kind === 'skipped' && !outcome.recheck)) return true
      const owners = handover.owners(meta)
      return !owners.some(o => o.target && o.member === me) || owners.some(o => o.serves && o.live && o.member !== me)
    })
  } catch (error) {
    if (isOwnershipUnavailable(error)) return false
    throw error
  }
}
