/** Spans for a bucket: one a call, inside whatever is active. */
import { type Attributes, context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { isBlockId } from '../../contracts/block.ts'
import { BlockAttribute } from '../../contracts/block-telemetry.ts'
import type { Range } from '../../contracts/bucket.ts'
import { BucketAttribute, bucketSpanName } from '../../contracts/bucket-telemetry.ts'
import { codeOf, ErrorCode, rawMessageOf } from '../../contracts/errors.ts'
import { recordException } from '../../contracts/exceptions.ts'
import type { Bucket } from '../../contracts/host.ts'
import { startSpan } from '../../contracts/spans.ts'
import { Attribute } from '../../contracts/telemetry.ts'
import { failureTypeOf, statusOf } from '../error.ts'
import { observing, type Watch } from './observed.ts'
import { type Around, type BucketCall, wrapped } from './wrapped.ts'

/**
 * `bucket`, with a `bucket.<op>` span a call where a span is active, and none elsewhere: a listing outside a run would
 * only make traces of one span. The span of a `get` ends when its body does, with the bytes that were read: the time and
 * the errors of a download are in the body. Key, prefix, range, sizes and results are recorded, and what the bucket tells by `onDetails`;
 * never options or contents.
 */
export function traced(bucket: Bucket): Bucket {
  return wrapped(bucket, tracedCall)
}

const watch = ({ op, key, signal, bytes: written, range }: BucketCall): Watch | undefined => {
  if (!trace.getActiveSpan()) return undefined
  const attributes: Attributes = {
    [op === 'list' ? BucketAttribute.prefix : BucketAttribute.key]: key,
    ...(written !== undefined && { [BucketAttribute.bytes]: written }),
    ...(range && { [BucketAttribute.range]: rangeText(range) }),
  }
  const block = key.slice(0, 26)
  if (isBlockId(block)) attributes[BlockAttribute.id] = block
  const span = startSpan(bucketSpanName(op), { kind: SpanKind.CLIENT, attributes })
  return {
    onDetails: span.isRecording() ? details => span.setAttributes(details) : undefined,
    during: make => context.with(trace.setSpan(context.active(), span), make),
    ended({ failure, result, objects, bytes }) {
      if (result !== undefined) span.setAttribute(BucketAttribute.result, result)
      if (objects !== undefined) span.setAttribute(BucketAttribute.objects, objects)
      if (bytes !== undefined) span.setAttribute(BucketAttribute.bytes, bytes)
      if (failure) {
        const { error } = failure
        const code = codeOf(error)
        // What an abort made fail has whatever the connection says of it.
        const type = signal.aborted ? (code ?? ErrorCode.aborted) : (failureTypeOf(error) ?? code)
        span.setAttribute(Attribute.errorCode, type ?? ErrorCode.bucketFailed)
        const status = statusOf(error)
        if (status) span.setAttribute(BucketAttribute.httpStatus, status)
        // The text of a foreign error may hold a signed URL; ours never does.
        const message = code === undefined ? undefined : rawMessageOf(error)
        span.setStatus({ code: SpanStatusCode.ERROR, ...(message !== undefined && { message }) })
        recordException(span, error, message)
      }
      span.end()
    },
  }
}

/** What traced() does around each call: an engine whose program sets no traces up does without it. */
export const tracedCall: Around = observing(watch)

/** As HTTP says it. */
function rangeText(range: Range): string {
  return 'suffix' in range ? `bytes=-${range.suffix}` : `bytes=${range.offset}-${range.offset + range.length - 1}`
}
