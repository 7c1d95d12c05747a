/** A bucket that fails where a test says so. */
import { objectBody, streamSource } from '../bucket/body.ts'
import { type BucketOp, isBody, wrapped } from '../bucket/wrappers/wrapped.ts'
import type { ObjectBody } from '../contracts/bucket.ts'
import type { Bucket } from '../contracts/host.ts'

export type { BucketOp }

/** What goes wrong in a call. */
export type Fault =
  /** The call rejects and the bucket does not see it. */
  | { readonly error: unknown }
  /** The bucket does it, then the call rejects: the answer was lost. */
  | { readonly errorAfter: unknown }
  | BodyFault

type BodyFault =
  /** The body of a get ends after so many bytes: with `error`, or as if that were all. */
  | { readonly bodyAfter: number; readonly error?: unknown }
  /** The body of a get gives so many bytes, then nothing until the signal aborts. */
  | { readonly stallAfter: number }

export interface FlakyRule {
  readonly op: BucketOp
  /** Of keys, and of prefixes for list. Default: all. */
  readonly key?: RegExp | undefined
  /** Which of the calls that fit, from 1. Default: each. */
  readonly nth?: number | readonly number[] | undefined
  readonly fault: Fault
}

export interface FlakyBucket extends Bucket {
  /** Every call that was made, in order: `get a/b`. */
  readonly calls: readonly string[]
}

/**
 * `bucket` with the faults of `plan`; the first rule that fits a call is taken.
 *
 * @example flaky(bucket, [{ op: 'get', key: /meta\.json$/, nth: 1, fault: { error: new BucketError('busy', { status: 503 }) } }])
 */
export function flaky(bucket: Bucket, plan: readonly FlakyRule[]): FlakyBucket {
  const calls: string[] = []
  const seen = new Map<FlakyRule, number>()
  /** Counts the call for every rule that fits it, so that `nth` does not depend on the other rules. */
  const faultOf = (op: BucketOp, key: string): Fault | undefined => {
    calls.push(`${op} ${key}`)
    const fits = plan.filter(rule => rule.op === op && (rule.key === undefined || key.search(rule.key) !== -1))
    for (const rule of fits) seen.set(rule, (seen.get(rule) ?? 0) + 1)
    return fits.find(rule => rule.nth === undefined || [rule.nth].flat().includes(seen.get(rule) ?? 0))?.fault
  }
  return {
    ...wrapped(bucket, async ({ op, key, signal }, make) => {
      const fault = faultOf(op, key)
      if (!fault) return await make()
      if ('bodyAfter' in fault || 'stallAfter' in fault) {
        const result = await make()
        return isBody(result) ? (broken(result, fault, signal) as typeof result) : result
      }
      if ('error' in fault) throw fault.error
      await make()
      throw fault.errorAfter
    }),
    calls,
  }
}

function broken(body: ObjectBody, fault: BodyFault, signal: AbortSignal): ObjectBody {
  let left = 'bodyAfter' in fault ? fault.bodyAfter : fault.stallAfter
  const source = streamSource(body.stream)
  return objectBody(
    body.info,
    {
      async read() {
        if (left > 0) {
          const chunk = (await source.read())?.subarray(0, left)
          left -= chunk?.length ?? 0
          return chunk
        }
        // Nobody ends this promise: the signal ends the body.
        if ('stallAfter' in fault) return await new Promise<never>(() => {})
        if ('error' in fault) throw fault.error
        return undefined
      },
      async close() {
        await source.close({ end: 'cancelled' })
        await body[Symbol.asyncDispose]()
      },
    },
    signal,
  )
}
