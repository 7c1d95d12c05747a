/** Spans of requests, and their places in traces of others: https://www.w3.org/TR/trace-context/. */
import {
  type Attributes,
  context,
  isSpanContextValid,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  type Context as TraceContext,
  trace,
} from '@opentelemetry/api'
import type { Context, MiddlewareHandler } from 'hono'
import { rawMessageOf } from '../contracts/errors.ts'
import { recordException } from '../contracts/exceptions.ts'
import { tracer } from '../contracts/telemetry.ts'
import { spanContextOf } from '../contracts/traceparent.ts'
import { HttpError } from './errors.ts'

/** The allow-list, of OpenTelemetry's names. Neither the query of a URL nor a header is on a span. */
const HttpAttribute = {
  method: 'http.request.method',
  route: 'http.route',
  status: 'http.response.status_code',
  failure: 'error.type',
} as const

/**
 * Where the spans of a request belong: below the span that is active, as of a program that traces its server itself, else where its
 * `traceparent` says; else they begin a trace. The header is untrusted: one that is not as it must be counts as none, and `tracestate`
 * is not read.
 */
export function parentOf(c: Context): TraceContext {
  const active = trace.getActiveSpan()?.spanContext()
  if (active && isSpanContextValid(active)) return context.active()
  const remote = spanContextOf(c.req.header('traceparent'))
  return remote ? trace.setSpanContext(ROOT_CONTEXT, remote) : ROOT_CONTEXT
}

/**
 * Gives a request to `route` a span, inside which it is answered. `when`: `always` for what changes something, `asked` where a trace of
 * somebody else is to go on here, so that those who ask every few seconds leave nothing.
 */
export function requestSpan(route: string, when: 'always' | 'asked', attributes: Attributes = {}): MiddlewareHandler {
  return async (c, next) => {
    const parent = parentOf(c)
    if (when === 'asked' && !trace.getSpanContext(parent)) return await next()
    const { method } = c.req
    const all = { ...attributes, [HttpAttribute.method]: method, [HttpAttribute.route]: route }
    const span = tracer().startSpan(`${method} ${route}`, { kind: SpanKind.SERVER, attributes: all }, parent)
    try {
      await context.with(trace.setSpan(parent, span), next)
    } finally {
      const { status } = c.res
      span.setAttribute(HttpAttribute.status, status)
      if (status >= 500) {
        span.setAttribute(HttpAttribute.failure, String(status))
        span.setStatus({ code: SpanStatusCode.ERROR })
        // The text of any other error is for the log.
        if (c.error) recordException(span, c.error, c.error instanceof HttpError ? rawMessageOf(c.error) : undefined)
      }
      span.end()
    }
  }
}
