/** Spans as OTLP in JSON: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding. Ids are hex, and 64 bits of a time a string. */
import { type Attributes, type AttributeValue, TraceFlags } from '@opentelemetry/api'
import { flagsOf } from './encode.ts'
import type { LocalSpan } from './span.ts'

/** An `ExportTraceServiceRequest`. */
export function jsonRequest(resource: Attributes, spans: readonly LocalSpan[]): Uint8Array<ArrayBuffer> {
  const scopes = Map.groupBy(spans, span => span.scope)
  const scopeSpans = Array.from(scopes, ([scope, of]) => ({ scope, spans: of.map(spanJson) }))
  const request = { resourceSpans: [{ resource: { attributes: attributesJson(resource) }, scopeSpans }] }
  return new TextEncoder().encode(JSON.stringify(request))
}

function spanJson(span: LocalSpan) {
  const { parent, pairs, events, links } = span
  const { traceId, spanId } = span.spanContext()
  return {
    traceId,
    spanId,
    parentSpanId: parent?.spanId,
    traceState: parent?.traceState?.serialize(),
    name: span.name,
    kind: span.kind + 1,
    startTimeUnixNano: nanos(span.start),
    endTimeUnixNano: nanos(span.end_),
    attributes: pairs.flatMap((key, i) => (i % 2 === 0 ? { key, value: valueJson(pairs[i + 1]) } : [])),
    events: events.map(({ name, at, attributes }) => {
      return { timeUnixNano: nanos(at), name, attributes: attributesJson(attributes) }
    }),
    droppedEventsCount: span.droppedEvents,
    links: links.map(({ context, attributes = {} }) => ({
      traceId: context.traceId,
      spanId: context.spanId,
      traceState: context.traceState?.serialize(),
      attributes: attributesJson(attributes),
      flags: flagsOf(context.traceFlags, context),
    })),
    droppedLinksCount: span.droppedLinks,
    status: span.status,
    flags: flagsOf(TraceFlags.SAMPLED, parent),
  }
}

/** `ms` since the epoch. */
function nanos(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  const rest = Math.min(Math.round((ms - seconds * 1000) * 1e6), 1e9 - 1)
  return `${seconds}${String(rest).padStart(9, '0')}`.replace(/^0+(?=.)/, '')
}

function attributesJson(attributes: Attributes): object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: valueJson(value) }))
}

/** An `AnyValue`. */
function valueJson(value: AttributeValue): object {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return { intValue: value }
    return { doubleValue: Number.isFinite(value) ? value : String(value) }
  }
  if (value instanceof Uint8Array)
    return { bytesValue: btoa(Array.from(value, byte => String.fromCharCode(byte)).join('')) }
  if (Array.isArray(value)) return { arrayValue: { values: value.map(valueJson) } }
  return value ? { kvlistValue: { values: attributesJson(value as Attributes) } } : {}
}
