/** Counts what a bucket is asked, and how long it takes. */
import { type SpanContext, trace } from '@opentelemetry/api'
import { codeOf, ErrorCode } from '../../contracts/errors.ts'
import type { Bucket, Host } from '../../contracts/host.ts'
import { statusOf } from '../error.ts'
import { observed, type RequestEnd } from './observed.ts'
import type { BucketOp } from './wrapped.ts'

/** What measured() tells. */
export interface BucketMeter {
  /** A request ended, of `span` where one was active; that of a body when the body did. `code` as in `blockgate_bucket_requests_total`. */
  request(op: BucketOp, code: string, ms: number, span?: SpanContext): void
  read(bytes: number): void
  written(bytes: number): void
}

/** `bucket`, with each request told to `meter`. Inside retried() every try counts, as the store sees and bills it. */
export function measured(bucket: Bucket, host: Host, meter: BucketMeter): Bucket {
  return observed(bucket, ({ op, signal, bytes: written }) => {
    const started = host.monotonic()
    const span = trace.getActiveSpan()?.spanContext()
    if (written !== undefined) meter.written(written)
    return {
      during: make => make(),
      ended(end) {
        if (end.bytes !== undefined) meter.read(end.bytes)
        meter.request(op, codeOfEnd(end, signal), host.monotonic() - started, span)
      },
    }
  })
}

/** The status says more than our code of it; an abort is nobody's failure. */
function codeOfEnd({ failure, result }: RequestEnd, signal: AbortSignal): string {
  if (!failure) return result === 'missing' ? 'not-found' : result === 'conflict' ? 'conflict' : 'ok'
  if (signal.aborted) return ErrorCode.aborted
  const status = statusOf(failure.error)
  if (status !== undefined && status >= 100 && status <= 599) return `http-${Math.trunc(status)}`
  return codeOf(failure.error) ?? ErrorCode.bucketFailed
}
