/** Spans for a bucket: one a call, inside whatever is active. */
import { context, SpanStatusCode, trace } from '@opentelemetry/api'
import { codeOf, ErrorCode, rawMessageOf } from '../../contracts/errors.ts'
import type { Bucket } from '../../contracts/host.ts'
import { Attribute, SpanName, tracer } from '../../contracts/telemetry.ts'
import { observed } from './observed.ts'

/**
 * `bucket`, with a `bucket.<op>` span a call where a span is active, and none elsewhere: a listing outside a run would
 * only make traces of one span. The span of a `get` ends when its body does, with the bytes that were read: the time and
 * the errors of a download are in the body. Key, prefix, sizes and results are recorded, never options or contents.
 */
export function traced(bucket: Bucket): Bucket {
  return observed(bucket, ({ op, key, signal, bytes: written }) => {
    if (!trace.getActiveSpan()) return undefined
    const attributes = {
      [op === 'list' ? Attribute.bucketPrefix : Attribute.bucketKey]: key,
      ...(written !== undefined && { [Attribute.bucketBytes]: written }),
    }
    const span = tracer().startSpan(SpanName.bucket(op), { attributes })
    return {
      during: make => context.with(trace.setSpan(context.active(), span), make),
      ended({ failure, result, objects, bytes }) {
        if (result !== undefined) span.setAttribute(Attribute.bucketResult, result)
        if (objects !== undefined) span.setAttribute(Attribute.bucketObjects, objects)
        if (bytes !== undefined) span.setAttribute(Attribute.bucketBytes, bytes)
        if (failure) {
          const code = codeOf(failure.error)
          span.setAttribute(Attribute.errorCode, code ?? (signal.aborted ? ErrorCode.aborted : ErrorCode.bucketFailed))
          // The text of a foreign error may hold a signed URL; ours never does.
          const message = code === undefined ? {} : { message: rawMessageOf(failure.error) }
          span.setStatus({ code: SpanStatusCode.ERROR, ...message })
        }
        span.end()
      },
    }
  })
}
