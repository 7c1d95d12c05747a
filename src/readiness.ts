/** Whether this gateway may be asked: after the first run in which every block got a verdict, and until it stops. */
import { ErrorCode } from './errors.ts'
import type { RunResult } from './run-result.ts'

export interface Readiness {
  readonly ready: boolean
  /** Nothing new is begun any more. */
  readonly stopping: boolean
  /** One sentence, without a final period. */
  readonly reason: string
}

/** What readiness() is told. */
export interface ReadinessFacts {
  /** Every block had a verdict at the end of some run. */
  readonly settled: boolean
  readonly stopping: boolean
  /** How the last run ended; undefined before the first. */
  readonly last: Pick<RunResult, 'status'> | undefined
}

export function readiness({ settled, stopping, last }: ReadinessFacts): Readiness {
  if (stopping) return { ready: false, stopping, reason: 'the gateway is stopping' }
  if (settled) return { ready: true, stopping, reason: 'every block had a verdict' }
  if (!last) return { ready: false, stopping, reason: 'the first run has not ended' }
  if (last.status === 'done') return { ready: false, stopping, reason: 'no run so far gave every block a verdict' }
  return { ready: false, stopping, reason: `no run was done so far: the last one ${last.status}` }
}

/** True for a run after which nothing is unknown: it saw the whole bucket, and nobody left a question about a block open. */
export function settles({ status, summary, outcomes }: RunResult): boolean {
  if (status !== 'done' || !summary.run.complete) return false
  for (const outcome of outcomes.values()) {
    if (outcome.kind === 'skipped' && outcome.reason === ErrorCode.ownershipUnavailable) return false
  }
  return true
}
