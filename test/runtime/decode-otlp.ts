/** A small decoder of OTLP trace requests in protobuf: opentelemetry/proto/trace/v1/trace.proto. */

export interface DecodedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string
  readonly name: string
  readonly startNanos: bigint
  readonly endNanos: bigint
  readonly attributes: Readonly<Record<string, unknown>>
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[]
  readonly status: { readonly code: number; readonly message: string }
  readonly scope: string
  readonly resource: Readonly<Record<string, unknown>>
}

type Field = bigint | Uint8Array

export function decodeSpans(request: Uint8Array): DecodedSpan[] {
  return all(fields(request), 1).flatMap(resourceSpans => {
    const parts = fields(resourceSpans)
    const resource = attributes(all(fields(one(parts, 1)), 1))
    return all(parts, 2).flatMap(scopeSpans => {
      const inner = fields(scopeSpans)
      const scope = text(one(fields(one(inner, 1)), 1))
      return all(inner, 2).map(bytes => span(fields(bytes), scope, resource))
    })
  })
}

function span(parts: Fields, scope: string, resource: Record<string, unknown>): DecodedSpan {
  const status = fields(one(parts, 15))
  return {
    traceId: hex(one(parts, 1)),
    spanId: hex(one(parts, 2)),
    parentSpanId: hex(one(parts, 4)),
    name: text(one(parts, 5)),
    startNanos: number(parts, 7),
    endNanos: number(parts, 8),
    attributes: attributes(all(parts, 9)),
    links: all(parts, 13).map(link => ({ traceId: hex(one(fields(link), 1)), spanId: hex(one(fields(link), 2)) })),
    status: { code: Number(number(status, 3)), message: text(one(status, 2)) },
    scope,
    resource,
  }
}

function attributes(keyValues: readonly Uint8Array[]): Record<string, unknown> {
  return Object.fromEntries(keyValues.map(pair => [text(one(fields(pair), 1)), anyValue(one(fields(pair), 2))]))
}

function anyValue(bytes: Uint8Array): unknown {
  const parts = fields(bytes)
  if (parts.has(1)) return text(one(parts, 1))
  if (parts.has(2)) return number(parts, 2) === 1n
  if (parts.has(3)) return Number(BigInt.asIntN(64, number(parts, 3)))
  if (parts.has(4)) return new Float64Array(BigUint64Array.of(number(parts, 4)).buffer)[0]
  throw new Error('a kind of attribute that this decoder does not know')
}

type Fields = ReadonlyMap<number, readonly Field[]>

/** Every field of one message, in order. */
function fields(bytes: Uint8Array): Fields {
  const found = new Map<number, Field[]>()
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = view.getUint8(at++)
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
  }
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw new Error('a field ends after its message')
    at += length
    return bytes.subarray(at - length, at)
  }
  const fixed = (length: 4 | 8): bigint => {
    take(length)
    return length === 8 ? view.getBigUint64(at - 8, true) : BigInt(view.getUint32(at - 4, true))
  }
  while (at < bytes.length) {
    const tag = Number(varint())
    const wire = tag & 7
    const value = wire === 0 ? varint() : wire === 1 ? fixed(8) : wire === 5 ? fixed(4) : take(Number(varint()))
    found.set(tag >> 3, [...(found.get(tag >> 3) ?? []), value])
  }
  return found
}

function all(parts: Fields, field: number): Uint8Array[] {
  return (parts.get(field) ?? []).filter(value => value instanceof Uint8Array)
}

function one(parts: Fields, field: number): Uint8Array {
  return all(parts, field)[0] ?? new Uint8Array()
}

function number(parts: Fields, field: number): bigint {
  const value = parts.get(field)?.[0]
  return typeof value === 'bigint' ? value : 0n
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}
