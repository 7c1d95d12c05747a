/** Waiting for what a plugin answers, and not for ever. */

import { BlockgateError, ErrorCode } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'
import { within } from './signals.ts'

export interface Limits {
  readonly host: Host
  /** How long a plugin may take for one answer, ms. */
  readonly stageTimeoutMs: number
}

/**
 * Settles as `work` does. What is answered after the limit, or after the abort, is not looked at.
 * @throws BlockgateError `stage-stuck` with `what` once the limit is over; the reason of `signal`
 */
export function limited<T>(
  { host, stageTimeoutMs: ms }: Limits,
  signal: AbortSignal,
  what: string,
  work: Promise<T>,
): Promise<T> {
  const late = () => new BlockgateError(ErrorCode.stageStuck, `${what} must answer within ${ms} ms`)
  return within(host, ms, signal, late, work)
}
