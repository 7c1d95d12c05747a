/** By which a log line names the trace that it was written in: the keys that log stores and Grafana look for. */
import { isSpanContextValid, type SpanContext, TraceFlags, trace } from '@opentelemetry/api'
import { isGoingOn } from './spans.ts'

export interface TraceIds {
  readonly trace_id?: string
  readonly span_id?: string
}

/** Nothing where the trace is not recorded: nobody would find it. */
export function traceIds(span: SpanContext | undefined): TraceIds {
  if (!span || !isSpanContextValid(span) || (span.traceFlags & TraceFlags.SAMPLED) === 0) return {}
  return { trace_id: span.traceId, span_id: span.spanId }
}

/** Of the span that is active and goes on: a timer that was set inside one still sees it when it is long over. */
export function activeTraceIds(): TraceIds {
  const span = trace.getActiveSpan()
  return span && isGoingOn(span) ? traceIds(span.spanContext()) : {}
}
