/** Listing with patience: three tries on top of the bucket's own. */
import {
  BlockgateError,
  backoffMs,
  ErrorCode,
  isRetryable,
  rawMessageOf,
  type Services,
  sleep,
  type UnreadableKey,
} from 'blockgate'
import type { ListPages } from './list.ts'

const TRIES = 3
const BACKOFF = { base: 500, max: 5000 }

/**
 * One page of a listing. Rejects with the signal's reason, or with a `listing-failed` error when the last try failed or no
 * other could help. What a page could not read goes to `tell`.
 */
export function retriedList(
  { bucket, host }: Pick<Services, 'bucket' | 'host'>,
  signal: AbortSignal,
  tell: (at: UnreadableKey) => void,
): ListPages {
  return async (prefix, cursor, delimiter) => {
    for (let attempt = 1; ; attempt++) {
      signal.throwIfAborted()
      try {
        const page = await bucket.list(prefix, { ...(delimiter && { delimiter }), cursor, signal })
        page.unreadable?.forEach(tell)
        return page
      } catch (error) {
        if (signal.aborted) throw signal.reason
        if (attempt === TRIES || !isRetryable(error)) {
          const message = `cannot list "${prefix}": ${rawMessageOf(error)}`
          throw new BlockgateError(ErrorCode.listingFailed, message, { cause: error, at: 'scan-bucket' })
        }
        host.log.warn('a listing failed: it is tried again', { prefix, attempt, error: rawMessageOf(error) })
      }
      await sleep(host, backoffMs(host, BACKOFF, attempt), signal)
    }
  }
}
