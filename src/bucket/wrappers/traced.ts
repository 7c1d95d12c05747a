/** Spans for a bucket: one a call, inside whatever is active. */
import { context, type Span, SpanStatusCode, trace } from '@opentelemetry/api'
import type { ObjectBody } from '../../contracts/bucket.ts'
import { codeOf, ErrorCode, rawMessageOf } from '../../contracts/errors.ts'
import type { Bucket } from '../../contracts/host.ts'
import { Attribute, SpanName, tracer } from '../../contracts/telemetry.ts'
import { componentOf } from './component.ts'
import { observedBody } from './observed-body.ts'

/**
 * `bucket`, with a `bucket.<op>` span a call where a span is active, and none elsewhere: a listing outside a run would
 * only make traces of one span. The span of a `get` ends when its body does, with the bytes that were read: the time and
 * the errors of a download are in the body. Key, prefix, sizes and results are recorded, never options or contents.
 */
export function traced(bucket: Bucket): Bucket {
  return {
    ...componentOf(bucket),
    list: (prefix, options) =>
      during(
        'list',
        { [Attribute.bucketPrefix]: prefix },
        options.signal,
        () => bucket.list(prefix, options),
        (span, page) => {
          span.setAttribute(Attribute.bucketObjects, page.objects.length)
          span.end()
          return page
        },
      ),
    get: (key, options) =>
      during(
        'get',
        { [Attribute.bucketKey]: key },
        options.signal,
        () => bucket.get(key, options),
        (span, body) => {
          span.setAttribute(Attribute.bucketResult, body ? 'found' : 'missing')
          if (body) return tracedBody(span, body, options.signal)
          span.end()
          return undefined
        },
      ),
    put: (key, body, options) =>
      during(
        'put',
        { [Attribute.bucketKey]: key, [Attribute.bucketBytes]: body.length },
        options.signal,
        () => bucket.put(key, body, options),
        (span, result) => {
          span.setAttribute(Attribute.bucketResult, result)
          span.end()
          return result
        },
      ),
    delete: (key, options) =>
      during(
        'delete',
        { [Attribute.bucketKey]: key },
        options.signal,
        () => bucket.delete(key, options),
        span => span.end(),
      ),
  }
}

async function during<T>(
  op: string,
  attributes: Readonly<Record<string, string | number>>,
  signal: AbortSignal,
  call: () => Promise<T>,
  answered: (span: Span, result: T) => T,
): Promise<T> {
  if (!trace.getActiveSpan()) return await call()
  const span = tracer().startSpan(SpanName.bucket(op), { attributes })
  let result: T
  try {
    result = await context.with(trace.setSpan(context.active(), span), call)
  } catch (error) {
    endWith(span, error, signal)
    throw error
  }
  return answered(span, result)
}

function tracedBody(span: Span, body: ObjectBody, signal: AbortSignal): ObjectBody {
  return observedBody(body, signal, (how, bytes) => {
    span.setAttribute(Attribute.bucketBytes, bytes)
    if (how.end === 'error') endWith(span, how.error, signal)
    else span.end()
  })
}

function endWith(span: Span, error: unknown, signal: AbortSignal): void {
  const code = codeOf(error)
  span.setAttribute(Attribute.errorCode, code ?? (signal.aborted ? ErrorCode.aborted : ErrorCode.bucketFailed))
  // The text of a foreign error may hold a signed URL; ours never does.
  span.setStatus({ code: SpanStatusCode.ERROR, ...(code !== undefined && { message: rawMessageOf(error) }) })
  span.end()
}
