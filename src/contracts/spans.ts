/** Making spans, below others that may be made late. */
import {
  type Attributes,
  type Context,
  context,
  type Span,
  type SpanOptions,
  TraceFlags,
  trace,
} from '@opentelemetry/api'
import { markFailed, tracer } from './telemetry.ts'

/** A span that may not be made yet: see src/traces. What stands below it is made with it. */
export interface ParentSpan extends Span {
  below(name: string, options: SpanOptions): Span
}

/** A span below the active one of `outer`. Whoever calls it ends it. */
export function startSpan(name: string, options: SpanOptions = {}, outer: Context = context.active()): Span {
  const above = trace.getSpan(outer)
  return above && 'below' in above
    ? (above as ParentSpan).below(name, options)
    : tracer().startSpan(name, options, outer)
}

/** False for a span that has ended: a timer that was set inside one still sees it as the active span. */
export function isGoingOn(span: Span & { readonly ended?: boolean }): boolean {
  // One of the SDK that is not recorded does not say.
  return !(span.ended ?? (!span.isRecording() && (span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0))
}

/** Runs `work` inside a span below `outer`, which ends with it. */
export async function inSpan<T>(
  name: string,
  attributes: Attributes,
  outer: Context,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  const span = startSpan(name, { attributes }, outer)
  try {
    return await context.with(trace.setSpan(outer, span), work, undefined, span)
  } catch (error) {
    markFailed(span, error)
    throw error
  } finally {
    span.end()
  }
}
