/** Reads protobuf by a schema, and knows nothing of how it was written: https://protobuf.dev/programming-guides/encoding/ */

type Kind = 'string' | 'bytes' | 'varint' | 'fixed32' | 'fixed64' | 'double'
/** By field number: its name, what is in it, and whether it may come more than once. */
export interface Schema {
  readonly [field: number]: readonly [name: string, kind: Kind | (() => Schema), isRepeated?: 'repeated']
}
export type Message = { readonly [name: string]: unknown }

/** @throws Error for a field that is not in the schema, one of another wire type, or a length that leaves the message */
export function decode(bytes: Uint8Array, schema: Schema): Message {
  const message: Record<string, unknown> = {}
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  const varint = () => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = view.getUint8(at++)
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return BigInt.asIntN(64, value)
    }
  }
  const fixed = (size: number) => {
    at += size
    return at - size
  }
  while (at < bytes.length) {
    const tag = Number(varint())
    const [name, kind, isRepeated] = schema[tag >> 3] ?? []
    if (name === undefined || kind === undefined) throw new Error(`field ${tag >> 3} is not known`)
    const wire = kind === 'varint' ? 0 : kind === 'fixed64' || kind === 'double' ? 1 : kind === 'fixed32' ? 5 : 2
    if ((tag & 7) !== wire) throw new Error(`${name} must have wire type ${wire}: it has ${tag & 7}`)
    const read = () => {
      if (kind === 'varint') return varint()
      if (kind === 'fixed64') return view.getBigUint64(fixed(8), true)
      if (kind === 'double') return view.getFloat64(fixed(8), true)
      if (kind === 'fixed32') return view.getUint32(fixed(4), true)
      const length = Number(varint())
      if (length > bytes.length - at) throw new Error(`${name} is longer than its message`)
      const inner = bytes.subarray(fixed(length), at)
      if (kind === 'string') return new TextDecoder('utf-8', { fatal: true }).decode(inner)
      return kind === 'bytes' ? hexOf(inner) : decode(inner, kind())
    }
    const before = message[name]
    if (Array.isArray(before)) before.push(read())
    else message[name] = isRepeated ? [read()] : read()
  }
  return message
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}

const ANY: Schema = {
  1: ['string_value', 'string'],
  2: ['bool_value', 'varint'],
  3: ['int_value', 'varint'],
  4: ['double_value', 'double'],
  5: ['array_value', () => ({ 1: ['values', () => ANY, 'repeated'] })],
  6: ['kvlist_value', () => ({ 1: ['values', () => KEY_VALUE, 'repeated'] })],
  7: ['bytes_value', 'bytes'],
}
const KEY_VALUE: Schema = { 1: ['key', 'string'], 2: ['value', () => ANY] }
const EVENT: Schema = {
  1: ['time_unix_nano', 'fixed64'],
  2: ['name', 'string'],
  3: ['attributes', () => KEY_VALUE, 'repeated'],
  4: ['dropped_attributes_count', 'varint'],
}
const LINK: Schema = {
  1: ['trace_id', 'bytes'],
  2: ['span_id', 'bytes'],
  3: ['trace_state', 'string'],
  4: ['attributes', () => KEY_VALUE, 'repeated'],
  5: ['dropped_attributes_count', 'varint'],
  6: ['flags', 'fixed32'],
}
const SPAN: Schema = {
  1: ['trace_id', 'bytes'],
  2: ['span_id', 'bytes'],
  3: ['trace_state', 'string'],
  4: ['parent_span_id', 'bytes'],
  5: ['name', 'string'],
  6: ['kind', 'varint'],
  7: ['start_time_unix_nano', 'fixed64'],
  8: ['end_time_unix_nano', 'fixed64'],
  9: ['attributes', () => KEY_VALUE, 'repeated'],
  10: ['dropped_attributes_count', 'varint'],
  11: ['events', () => EVENT, 'repeated'],
  12: ['dropped_events_count', 'varint'],
  13: ['links', () => LINK, 'repeated'],
  14: ['dropped_links_count', 'varint'],
  15: ['status', () => ({ 2: ['message', 'string'], 3: ['code', 'varint'] })],
  16: ['flags', 'fixed32'],
}
const SCOPE: Schema = { 1: ['name', 'string'], 2: ['version', 'string'] }
const SCOPE_SPANS: Schema = { 1: ['scope', () => SCOPE], 2: ['spans', () => SPAN, 'repeated'] }
const RESOURCE: Schema = {
  1: ['attributes', () => KEY_VALUE, 'repeated'],
  2: ['dropped_attributes_count', 'varint'],
}
const RESOURCE_SPANS: Schema = { 1: ['resource', () => RESOURCE], 2: ['scope_spans', () => SCOPE_SPANS, 'repeated'] }

/** ExportTraceServiceRequest, with the names and the numbers of opentelemetry-proto 1.9. */
export const REQUEST: Schema = { 1: ['resource_spans', () => RESOURCE_SPANS, 'repeated'] }
