/** The spans of a test, and their exact tree as text. */
import { type Attributes, context, SpanStatusCode, trace } from '@opentelemetry/api'
import { type ReadableSpan, type SpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { useTraces } from '../pipeline/traces.ts'
import { AsyncContextManager } from '../runtime/context-manager.ts'
import { blockTraces } from '../traces/run.ts'

export interface TreeOptions {
  /** Keys to show after each name, in this order, where a span carries them. Default: none. */
  readonly attributes?: readonly string[] | undefined
}

export interface Spans extends Disposable {
  /**
   * One line a span, two spaces deeper than its parent's; roots and children in the order in which they were started.
   * After the name: the chosen attributes, `~>` and the names of linked spans, `!error`, `(never ended)`. A span whose
   * parent was not recorded stands as a root; a linked span that was not recorded is `(unknown)`.
   */
  tree(options?: TreeOptions): string
  /** Ended spans, in the order of their end. */
  finished(): readonly ReadableSpan[]
  /** Forgets every span so far, also those that end later. */
  reset(): void
  /** Takes the provider and the context manager away again. May be called twice. */
  stop(): void
}

/**
 * Records every span made through the OpenTelemetry API, from this call to `stop()`, in Node, Deno and workerd (flag
 * `nodejs_als`).
 *
 * @throws Error where a tracer provider or a context manager is set already, as by an earlier `spans()` not yet stopped
 * @example const recorded = spans(); await run(); expect(recorded.tree()).toBe('sync.run'); recorded.stop()
 */
export function spans(): Spans {
  // In the order of the calls: timestamps are equal within a tick, and on workerd time stands still.
  const started = new Set<ReadableSpan>()
  const ended: ReadableSpan[] = []
  const recorder: SpanProcessor = {
    onStart: span => void started.add(span),
    onEnd: span => void (started.has(span) && ended.push(span)),
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  }
  useTraces(blockTraces)
  const provider = new TracerProvider({ spanProcessors: [recorder] })
  if (!trace.setGlobalTracerProvider(provider)) {
    throw new Error('spans() must be the only tracer provider: stop() the earlier one first')
  }
  if (!context.setGlobalContextManager(new AsyncContextManager())) {
    trace.disable()
    throw new Error('spans() must be the only context manager: disable() the earlier one first')
  }
  let stopped = false
  const stop = () => {
    // A second stop must not take away what a later spans() has set.
    if (stopped) return
    stopped = true
    trace.disable()
    context.disable()
  }
  return {
    tree: options => treeOf(started, options?.attributes ?? []),
    finished: () => [...ended],
    reset() {
      started.clear()
      ended.length = 0
    },
    stop,
    [Symbol.dispose]: stop,
  }
}

function treeOf(started: Iterable<ReadableSpan>, keys: readonly string[]): string {
  const byId = new Map<string, ReadableSpan>()
  for (const span of started) byId.set(span.spanContext().spanId, span)
  const roots: ReadableSpan[] = []
  const childrenOf = new Map<ReadableSpan, ReadableSpan[]>()
  for (const span of byId.values()) {
    const parent = span.parentSpanContext && byId.get(span.parentSpanContext.spanId)
    const siblings = parent ? (childrenOf.get(parent) ?? []) : roots
    siblings.push(span)
    if (parent) childrenOf.set(parent, siblings)
  }
  const lines: string[] = []
  const write = (span: ReadableSpan, depth: number) => {
    lines.push(`${'  '.repeat(depth)}${lineOf(span, byId, keys)}`)
    for (const child of childrenOf.get(span) ?? []) write(child, depth + 1)
  }
  for (const root of roots) write(root, 0)
  return lines.join('\n')
}

function lineOf(span: ReadableSpan, byId: ReadonlyMap<string, ReadableSpan>, keys: readonly string[]): string {
  const linked = span.links.map(link => byId.get(link.context.spanId)?.name ?? '(unknown)')
  return [
    span.name,
    ...keys.filter(key => span.attributes[key] !== undefined).map(key => `${key}=${textOf(span.attributes[key])}`),
    ...(linked.length > 0 ? [`~> ${linked.join(', ')}`] : []),
    ...(span.status.code === SpanStatusCode.ERROR ? ['!error'] : []),
    ...(span.ended ? [] : ['(never ended)']),
  ].join(' ')
}

/** Words stand bare; what would blur the line is quoted. */
function textOf(value: Attributes[string]): string {
  return typeof value === 'string' && /^[^\s"]+$/.test(value) ? value : JSON.stringify(value)
}
