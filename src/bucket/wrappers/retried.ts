/** Another try for a request that failed by chance. */
import { trace } from '@opentelemetry/api'
import { type Backoff, backoffMs } from '../../async/backoff.ts'
import { sleep } from '../../async/signals.ts'
import { codeOf } from '../../contracts/errors.ts'
import type { Bucket, Host } from '../../contracts/host.ts'
import { Attribute } from '../../contracts/telemetry.ts'
import { BucketError, failureTypeOf, isTransient, retryAfterOf, statusOf } from '../error.ts'
import { wrapped } from './wrapped.ts'

export interface RetriedOptions {
  /** Tries in all, the first one included. Default 4. */
  readonly tries?: number | undefined
  /** Default: 100 ms, then doubling up to 5 s. */
  readonly backoff?: Backoff | undefined
  /** Where each try of a list is counted. */
  readonly lists?: { requests: number } | undefined
}

/** A longer pause is not waited for, whatever the store asks: the error goes to the caller, who retries later anyway. */
const LONGEST_PAUSE_MS = 60_000

/**
 * `bucket`, where a call that failed by `isTransient` (429, 5xx, a broken connection) is made again, on the host's timers;
 * a `retryAfterMs` of the error is honoured. An abort rejects at once with the signal's reason, also during a pause. The
 * error that comes out is that of the last try. A body that breaks midway is not resumed: who reads it makes the `get` again.
 *
 * A conditional put whose answer was lost may have been stored. When a later try then finds a conflict, that may be our
 * own object, and equal bytes would not prove it (two writers may write the same). So neither `stored` nor `conflict`
 * would be true: the call rejects with a `bucket-failed` that says so, and the caller reads the object again. After nothing
 * but 429 (refused before it was done), `conflict` is true.
 */
export function retried(bucket: Bucket, host: Host, options: RetriedOptions = {}): Bucket {
  const { tries = 4, backoff = { base: 100, max: 5000 }, lists } = options

  async function attempt<T>(
    signal: AbortSignal,
    make: () => Promise<T>,
    failed?: (error: unknown) => void,
  ): Promise<T> {
    for (let n = 1; ; n++) {
      signal.throwIfAborted()
      try {
        return await make()
      } catch (error) {
        signal.throwIfAborted()
        const asked = retryAfterOf(error) ?? 0
        if (n >= tries || asked > LONGEST_PAUSE_MS || !isTransient(error)) throw error
        failed?.(error)
        const pause = Math.max(asked, backoffMs(host, backoff, n))
        // The span of the wrapper outside: this one makes none of its own.
        const span = trace.getActiveSpan()
        const type = failureTypeOf(error) ?? codeOf(error)
        span?.addEvent('retry', { [Attribute.errorCode]: type, [Attribute.retryPause]: Math.round(pause) })
        await sleep(host, pause, signal)
        span?.setAttribute(Attribute.bucketAttempts, n + 1)
      }
    }
  }

  return {
    ...wrapped(bucket, ({ op, signal }, make) =>
      attempt(signal, () => {
        if (lists && op === 'list') lists.requests++
        return make()
      }),
    ),
    async put(key, body, options) {
      let lost: { readonly error: unknown } | undefined
      const result = await attempt(
        options.signal,
        () => bucket.put(key, body, options),
        error => {
          if (statusOf(error) !== 429) lost ??= { error }
        },
      )
      if (result === 'stored' || !lost) return result
      throw new BucketError(
        `object "${key}" must be read again: an earlier try of this conditional put may have stored it`,
        { retryable: false, cause: lost.error },
      )
    },
  }
}
