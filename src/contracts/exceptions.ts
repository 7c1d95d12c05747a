/** Errors as events of spans: https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-spans/. */
import { INVALID_TRACEID, type Span } from '@opentelemetry/api'
import { causesOf } from './errors.ts'

const MAX_MESSAGE = 600
const MAX_STACK = 2_000
/** Traces that are remembered of an error which many have in common, such as the reason of an abort. */
const MAX_TRACES = 1_000

/** The traces in which an error was recorded: the spans around the one that raised it see the same error, or one that has it as its cause. */
const seen = new WeakMap<object, Set<string>>()

/**
 * Adds the event `exception`, unless a span of the same trace has it. The stack has no message in it: what may be told of the error is
 * in `message`.
 *
 * @param message undefined: it may hold a secret
 */
export function recordException(span: Span, error: unknown, message: string | undefined, at?: number): void {
  if (!span.isRecording()) return
  const { traceId } = span.spanContext()
  let isKnown = false
  for (const cause of causesOf(error)) {
    const traces = seen.get(cause) ?? new Set()
    // Of spans that are made late the trace is not known yet.
    isKnown ||= traces.has(traceId) || traces.has(INVALID_TRACEID)
    if (traces.size >= MAX_TRACES) traces.clear()
    seen.set(cause, traces.add(traceId))
  }
  if (isKnown) return
  const { name = typeof error, stack = '' } = Object(error)
  // A stack begins with the message.
  const [frames] = /^ {4}at [\s\S]*/m.exec(String(stack)) ?? []
  const told = { name: String(name), message: message?.slice(0, MAX_MESSAGE), stack: frames?.slice(0, MAX_STACK) }
  // What is undefined is not told.
  span.recordException(told as Error, at)
}
