/** The provider of the API's tracers. */
import {
  type Context,
  context,
  isSpanContextValid,
  type Span,
  type SpanContext,
  type SpanOptions,
  TraceFlags,
  type Tracer,
  type TracerProvider,
  trace,
} from '@opentelemetry/api'
import { hexOf, newId, wordsOf } from './ids.ts'
import { LocalTrace, type SpanSink } from './local-trace.ts'
import { isSampled, isSampledBy, type Sampling } from './sampling.ts'
import { LocalSpan, LocalSpanContext, type Scope } from './span.ts'

export function tracerProvider(sampling: Sampling, sink: SpanSink): TracerProvider {
  const tracers = new Map<string, LocalTracer>()
  let last: LocalTracer | undefined
  return {
    getTracer(name, version) {
      // It is asked for at each span.
      if (last?.scope.name === name && last.scope.version === version) return last
      const key = version === undefined ? name : `${name}@${version}`
      last = tracers.get(key) ?? new LocalTracer({ name, ...(version !== undefined && { version }) }, sampling, sink)
      tracers.set(key, last)
      return last
    },
  }
}

class LocalTracer implements Tracer {
  readonly scope: Scope
  readonly #sampling: Sampling
  readonly #sink: SpanSink

  constructor(scope: Scope, sampling: Sampling, sink: SpanSink) {
    this.scope = scope
    this.#sampling = sampling
    this.#sink = sink
  }

  startSpan(name: string, options: SpanOptions = {}, outer: Context = context.active()): Span {
    const sampling = this.#sampling
    const above = options.root ? undefined : trace.getSpan(outer)?.spanContext()
    // A parent that is no span of ours is one of another process, or of a trace that is not recorded.
    const parent = above && (above instanceof LocalSpanContext || isSpanContextValid(above)) ? above : undefined
    const isLocal = parent instanceof LocalSpanContext
    if (!isLocal && sampling.never && !(sampling.asksParent && isSampledBy(parent))) return unrecorded(parent)
    const local = isLocal ? parent.trace : this.#begin(parent)
    const span = new LocalSpan(name, options.kind, this.scope, local, parent, options.startTime)
    if (options.attributes) span.setAttributes(options.attributes)
    if (options.links) span.addLinks(options.links)
    if (!isLocal && isSampled(sampling, span)) local.keep()
    return span
  }

  startActiveSpan<F extends (span: Span) => unknown>(name: string, ...rest: unknown[]): ReturnType<F> {
    const work = rest.at(-1) as F
    const [options, outer = context.active()] = rest.slice(0, -1) as [SpanOptions?, Context?]
    const span = this.startSpan(name, options, outer)
    return context.with(trace.setSpan(outer, span), () => work(span) as ReturnType<F>)
  }

  #begin(parent: SpanContext | undefined): LocalTrace {
    return new LocalTrace(this.#sink, this.#sampling, parent && wordsOf(parent.traceId))
  }
}

/** It has ids: what is below it belongs together, and nobody takes it for a sign that no one traces. */
function unrecorded(parent: SpanContext | undefined): Span {
  const traceId = parent?.traceId ?? hexOf(newId(4))
  return trace.wrapSpanContext({ traceId, spanId: hexOf(newId(2)), traceFlags: TraceFlags.NONE })
}
