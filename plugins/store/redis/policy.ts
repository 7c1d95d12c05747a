/** A Redis that is full must refuse writes: one that throws keys away throws away advertised blocks, members and epochs. */
import { isOwnershipUnavailable, rawMessageOf } from 'blockgate'
import type { Call } from './steps.ts'

const NEEDED = 'noeviction'

/** What is wrong: `refused` for sure, or nobody can tell. Undefined where all is well. */
export interface PolicyProblem {
  readonly refused: boolean
  readonly message: string
}

/**
 * Asks by INFO, which the store needs anyway: CONFIG GET is forbidden by most managed servers, and tells passwords.
 *
 * @throws OwnershipUnavailable where Redis gives no answer
 */
export async function policyProblem(call: Call): Promise<PolicyProblem | undefined> {
  let policy: string | undefined
  try {
    policy = /^maxmemory_policy:(\S+)/m.exec(String(await call('INFO', 'memory')))?.[1]
  } catch (error) {
    if (!isOwnershipUnavailable(error) || !/NOPERM|unknown command/i.test(rawMessageOf(error))) throw error
  }
  if (policy === NEEDED) return undefined
  if (policy === undefined)
    return { refused: false, message: `maxmemory-policy of Redis must be ${NEEDED}: INFO does not tell its value` }
  return {
    refused: true,
    message: `maxmemory-policy of Redis must be ${NEEDED}: current value is ${policy.slice(0, 64)}`,
  }
}
