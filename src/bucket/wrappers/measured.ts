/** Counts what a bucket is asked, and how long it takes. */

import { codeOf, ErrorCode } from '../../contracts/errors.ts'
import type { Bucket, Host } from '../../contracts/host.ts'
import { statusOf } from '../error.ts'
import { componentOf } from './component.ts'
import { observedBody } from './observed-body.ts'

export type BucketOp = 'list' | 'get' | 'put' | 'delete'

/** What measured() tells. */
export interface BucketMeter {
  /** A request ended; that of a body when the body did. `code` as in `blockgate_bucket_requests_total`. */
  request(op: BucketOp, code: string, ms: number): void
  read(bytes: number): void
  written(bytes: number): void
}

/** `bucket`, with each request told to `meter`. Inside retried() every try counts, as the store sees and bills it. */
export function measured(bucket: Bucket, host: Host, meter: BucketMeter): Bucket {
  /** `answered` gives the code of an answer; undefined where the request goes on in a body. */
  async function during<T>(
    op: BucketOp,
    signal: AbortSignal,
    call: () => Promise<T>,
    answered: (result: T, end: (code: string) => void) => T,
  ): Promise<T> {
    const started = host.monotonic()
    const end = (code: string) => meter.request(op, code, host.monotonic() - started)
    let result: T
    try {
      result = await call()
    } catch (error) {
      end(codeOfFailure(error, signal))
      throw error
    }
    return answered(result, end)
  }

  const at =
    (code: string) =>
    <T>(result: T, end: (code: string) => void): T => {
      end(code)
      return result
    }

  return {
    ...componentOf(bucket),
    list: (prefix, options) => during('list', options.signal, () => bucket.list(prefix, options), at('ok')),
    get: (key, options) =>
      during(
        'get',
        options.signal,
        () => bucket.get(key, options),
        (body, end) => {
          if (!body) return at('not-found')(body, end)
          return observedBody(body, options.signal, (how, bytes) => {
            meter.read(bytes)
            end(how.end === 'error' ? codeOfFailure(how.error, options.signal) : 'ok')
          })
        },
      ),
    put: (key, body, options) => {
      meter.written(body.length)
      return during(
        'put',
        options.signal,
        () => bucket.put(key, body, options),
        (result, end) => at(result === 'conflict' ? 'conflict' : 'ok')(result, end),
      )
    },
    delete: (key, options) => during('delete', options.signal, () => bucket.delete(key, options), at('ok')),
  }
}

/** The status says more than our code of it; an abort is nobody's failure. */
function codeOfFailure(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return ErrorCode.aborted
  const status = statusOf(error)
  if (status !== undefined && status >= 100 && status <= 599) return `http-${Math.trunc(status)}`
  return codeOf(error) ?? ErrorCode.bucketFailed
}
