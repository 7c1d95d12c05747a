/** The pages of a bucket's listing: three tries for each on top of the bucket's own; what cannot be read is logged once. */
import {
  BlockgateError,
  backoffMs,
  ErrorCode,
  isRetryable,
  type ListPage,
  type Log,
  rawMessageOf,
  type Services,
  sleep,
  type UnreadableKey,
} from 'blockgate'
import type { ListPages } from './list.ts'

const TRIES = 3
const BACKOFF = { base: 500, max: 5000 }

/** Each page is given to `see`. Rejects with the signal's reason, or with `listing-failed` where no try went well. */
export function listPages(
  { bucket, host }: Pick<Services, 'bucket' | 'host'>,
  signal: AbortSignal,
  see: (page: ListPage) => void,
): ListPages {
  return async (prefix, cursor, delimiter, after) => {
    for (let attempt = 1; ; attempt++) {
      signal.throwIfAborted()
      try {
        const options = { ...(delimiter && { delimiter }), ...(after !== undefined && { after }), cursor, signal }
        const page = await bucket.list(prefix, options)
        see(page)
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

/** Keys that are remembered, and so logged: more of them have one cause. */
const MOST = 1000

/** What listings cannot read is logged once, not in every run. */
export class UnreadableKeys {
  readonly #log: Log
  #logged = new Set<string>()
  #inRun = new Set<string>()

  constructor(log: Log) {
    this.#log = log
  }

  beginRun(): void {
    this.#inRun = new Set()
  }

  add({ key, error }: UnreadableKey): void {
    if (!this.#logged.has(key)) {
      if (this.#logged.size >= MOST) return
      this.#logged.add(key)
      this.#log.warn('a part of the bucket cannot be read: it is left out, and the rest goes on', {
        key,
        error: rawMessageOf(error),
      })
    }
    this.#inRun.add(key)
  }

  /** All was listed: a key that was not among it can be read again, and is logged again if that ends. */
  endRun(): void {
    this.#logged = this.#inRun
  }
}
