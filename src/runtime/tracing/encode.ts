/**
 * Spans as OTLP, in the numbers of https://github.com/open-telemetry/opentelemetry-proto/blob/v1.9.0/opentelemetry/proto/trace/v1/trace.proto
 * and its common.proto and resource.proto. A field that has its default is left out.
 */
import {
  type Attributes,
  type AttributeValue,
  type Link,
  type SpanContext,
  SpanStatusCode,
  TraceFlags,
} from '@opentelemetry/api'
import { wordsOf } from './ids.ts'
import { ProtobufWriter } from './protobuf.ts'
import { type LocalSpan, LocalSpanContext, type Scope, type SpanEvent } from './span.ts'

/** Of SpanFlags: whether the parent, or the linked span, is of another process is known; and it is. */
const HAS_IS_REMOTE = 0x100
const IS_REMOTE = 0x200

/** A `Resource`, to be field 1 of `ResourceSpans`. */
export function resourceBytes(attributes: Attributes): Uint8Array {
  const writer = new ProtobufWriter(1024)
  for (const key of Object.keys(attributes)) writeAttribute(writer, 1, key, attributes[key])
  return writer.finish()
}

/** An `InstrumentationScope`, to be field 1 of `ScopeSpans`. */
export function scopeBytes({ name, version }: Scope): Uint8Array {
  const writer = new ProtobufWriter(128)
  writer.string(1, name)
  if (version !== undefined) writer.string(2, version)
  return writer.finish()
}

/** Appends a `Span` as field 2 of `ScopeSpans`. */
export function writeSpan(writer: ProtobufWriter, span: LocalSpan): void {
  const { trace, parent, status, pairs } = span
  const { traceState } = parent ?? {}
  const start = writer.open(2, 2)
  writer.id(1, trace.id)
  writer.id(2, span.id)
  if (traceState) writer.string(3, traceState.serialize())
  if (parent) writer.id(4, spanWords(parent))
  writer.string(5, span.name)
  writer.uint(6, span.kind + 1)
  writeTime(writer, 7, span.start)
  writeTime(writer, 8, span.end_)
  for (let i = 0; i < pairs.length; i += 2) writeAttribute(writer, 9, String(pairs[i]), pairs[i + 1])
  for (const event of span.events) writeEvent(writer, event)
  if (span.droppedEvents > 0) writer.uint(12, span.droppedEvents)
  for (const link of span.links) writeLink(writer, link)
  if (span.droppedLinks > 0) writer.uint(14, span.droppedLinks)
  if (status.code !== SpanStatusCode.UNSET) {
    const inner = writer.open(15)
    if (status.message) writer.string(2, status.message)
    writer.uint(3, status.code)
    writer.close(inner)
  }
  writer.fixed32(16, flagsOf(TraceFlags.SAMPLED, parent))
  writer.close(start, 2)
}

function writeEvent(writer: ProtobufWriter, { name, at, attributes }: SpanEvent): void {
  const start = writer.open(11)
  writeTime(writer, 1, at)
  writer.string(2, name)
  for (const key of Object.keys(attributes)) writeAttribute(writer, 3, key, attributes[key])
  writer.close(start)
}

function writeLink(writer: ProtobufWriter, { context, attributes = {} }: Link): void {
  const start = writer.open(13)
  writer.id(1, context instanceof LocalSpanContext ? context.trace.id : wordsOf(context.traceId))
  writer.id(2, spanWords(context))
  if (context.traceState) writer.string(3, context.traceState.serialize())
  for (const key of Object.keys(attributes)) writeAttribute(writer, 4, key, attributes[key])
  writer.fixed32(6, flagsOf(context.traceFlags, context))
  writer.close(start)
}

/** Of a span, by its parent; of a link, by the linked span. */
export function flagsOf(traceFlags: number, other: SpanContext | undefined): number {
  return (traceFlags & 0xff) | HAS_IS_REMOTE | (other?.isRemote ? IS_REMOTE : 0)
}

function spanWords(context: SpanContext): readonly number[] {
  return context instanceof LocalSpanContext ? context.words : wordsOf(context.spanId)
}

/** Milliseconds since the epoch as nanoseconds, which take 61 bits: no double holds them. */
function writeTime(writer: ProtobufWriter, field: number, ms: number): void {
  const seconds = Math.floor(ms / 1000)
  const nanos = Math.round((ms - seconds * 1000) * 1e6)
  // seconds = a · 2¹⁶ + b, and no term below is over 2⁵³.
  const a = Math.floor(seconds / 2 ** 16) * 1e9
  const low = (a % 2 ** 16) * 2 ** 16 + (seconds % 2 ** 16) * 1e9 + nanos
  writer.fixed64(field, low % 2 ** 32, Math.floor(a / 2 ** 16) + Math.floor(low / 2 ** 32))
}

/** A `KeyValue`. */
function writeAttribute(writer: ProtobufWriter, field: number, key: string, value: AttributeValue): void {
  const start = writer.open(field)
  writer.string(1, key)
  writeValue(writer, 2, value)
  writer.close(start)
}

/** An `AnyValue`; one without a field stands for nothing. */
function writeValue(writer: ProtobufWriter, field: number, value: AttributeValue): void {
  const start = writer.open(field)
  if (typeof value === 'string') writer.string(1, value)
  else if (typeof value === 'boolean') writer.uint(2, Number(value))
  else if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) writer.int(3, value)
    else writer.double(4, value)
  } else if (value instanceof Uint8Array) writer.bytes(7, value)
  else if (Array.isArray(value)) {
    const inner = writer.open(5)
    for (const item of value) writeValue(writer, 1, item)
    writer.close(inner)
  } else if (value) {
    const inner = writer.open(6)
    for (const [key, item] of Object.entries(value)) writeAttribute(writer, 1, key, item)
    writer.close(inner)
  }
  writer.close(start)
}
