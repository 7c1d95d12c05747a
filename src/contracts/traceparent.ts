/** The place of a span as text: https://www.w3.org/TR/trace-context/#traceparent-header, version 00. */
import type { SpanContext } from '@opentelemetry/api'

const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/

/** Undefined where the span is in no trace. */
export function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string | undefined {
  const text = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
  return TRACEPARENT.test(text) ? text : undefined
}

/** Whether it is a `traceparent` that can be followed. */
export function isTraceparent(text: unknown): text is string {
  return spanContextOf(text) !== undefined
}

/** Undefined for anything that is no `traceparent`: it may come from a store that anybody writes to. */
export function spanContextOf(traceparent: unknown): SpanContext | undefined {
  const [, traceId, spanId, flags] = (typeof traceparent === 'string' && TRACEPARENT.exec(traceparent)) || []
  if (!traceId || !spanId || !flags) return undefined
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true }
}
