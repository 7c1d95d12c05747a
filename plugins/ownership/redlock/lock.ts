/**
 * Locks as this plugin needs them: one resource each, judged by the clocks of this process alone. `locks.ts` makes them of the
 * npm package `redlock`; nothing else knows that package.
 */

export interface LockProvider {
  /**
   * One try. Undefined: somebody else has the resource.
   * @throws OwnershipUnavailable where no majority of the lock servers could be asked, or the grant came too late to be used
   */
  acquire(resource: string): Promise<Lock | undefined>
}

export interface Lock {
  readonly resource: string
  /**
   * No rival can have been granted the resource yet: judged by the larger of monotonic and wall time since before the last granted
   * request was sent, less drift and pause margin.
   */
  readonly valid: boolean
  /** Aborts, with LeaseLost as the reason, when `valid` ends; at the latest when somebody asks for `valid` after a pause. */
  readonly signal: AbortSignal
  /**
   * From now on for another TTL. `lost`: a majority of the servers does not have it any more; it is not valid from then on.
   * @throws OwnershipUnavailable where that is not known: it stays valid until its end, and may be tried again
   */
  extend(): Promise<'extended' | 'lost'>
  /** Not valid from now on. Never rejects: what the servers could not be told ends with its TTL. */
  release(): Promise<void>
}
