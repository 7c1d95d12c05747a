/** What is sent, in protobuf and in JSON, beside what OpenTelemetry's own serializer makes of the same spans. */
import {
  type Attributes,
  createTraceState,
  type HrTime,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { describe, expect, it } from 'vitest'
import { batchMaker } from '../../src/runtime/tracing/batch.ts'
import type { LocalSpan } from '../../src/runtime/tracing/span.ts'
import { tracerProvider } from '../../src/runtime/tracing/tracer.ts'
import { decode, type Message, REQUEST } from './protobuf.ts'

const resource = resourceFromAttributes({ 'service.name': 'blockgate', n: 3, list: ['a', 'b'] })

/** Both forms of the spans that `make` ends. */
function encoded(make: (provider: ReturnType<typeof tracerProvider>) => void) {
  const spans: LocalSpan[] = []
  const sink = { add: (span: LocalSpan) => void spans.push(span), hold: () => true, release() {}, lost() {} }
  make(tracerProvider({ ratio: 1, never: false, asksParent: true }, sink))
  const body = (encoding: 'protobuf' | 'json') => {
    const batch = batchMaker(encoding, resource.attributes)()
    for (const span of spans) batch.add(span)
    expect(batch.spans).toBe(spans.length)
    return batch.body()
  }
  const ours = body('protobuf')
  const readables = spans.map(readable)
  const [reference, json] = [ProtobufTraceSerializer, JsonTraceSerializer].map(
    serializer => serializer.serializeRequest(readables) ?? new Uint8Array(),
  )
  return {
    ours: decode(ours, REQUEST),
    reference: decode(reference as Uint8Array, REQUEST),
    size: ours.length,
    json: jsonOf(body('json')),
    jsonReference: jsonOf(json as Uint8Array),
  }
}

function jsonOf(body: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(body))
}

/** As the SDK's exporters take it. */
function readable(span: LocalSpan): Parameters<typeof JsonTraceSerializer.serializeRequest>[0][number] {
  const { name, kind, parent, start, end_, status, links, scope, pairs, droppedEvents, droppedLinks } = span
  const attributes: Attributes = {}
  for (let i = 0; i < pairs.length; i += 2) attributes[String(pairs[i])] = pairs[i + 1]
  return {
    ...{ name, kind, status, links, attributes, resource, ended: true, instrumentationScope: scope },
    spanContext: () => span.spanContext(),
    ...(parent && { parentSpanContext: parent }),
    startTime: hrTime(start),
    endTime: hrTime(end_),
    duration: hrTime(end_ - start),
    events: span.events.map(event => ({ name: event.name, time: hrTime(event.at), attributes: event.attributes })),
    ...{ droppedAttributesCount: 0, droppedEventsCount: droppedEvents, droppedLinksCount: droppedLinks },
  }
}

function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000)
  return [seconds, Math.min(Math.round((ms - seconds * 1000) * 1e6), 1e9 - 1)]
}

/** Without fields that have their default: on the wire they may stand or not. */
function plain(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map(item => plain(item))
  if (typeof value !== 'object' || value === null) return value
  const isValue = key === 'value' || key === 'values'
  const entries = Object.entries(value).map(([name, inner]) => [name, plain(inner, name)] as const)
  const isDefault = (inner: unknown) => inner === 0n || inner === 0 || inner === '' || isEmpty(inner)
  return Object.fromEntries(entries.filter(([, inner]) => isValue || !isDefault(inner)))
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}

function same({ ours, reference, json, jsonReference }: ReturnType<typeof encoded>): void {
  expect(plain(ours)).toEqual(plain(reference))
  expect(plain(json)).toEqual(plain(jsonReference))
}

const VALUES: Attributes = {
  text: 'plain',
  empty: '',
  accents: 'größe, 块, 🙂',
  long: 'x'.repeat(300),
  longAccents: 'ü'.repeat(9000),
  yes: true,
  no: false,
  zero: 0,
  small: 127,
  byte: 128,
  wide: 2 ** 31,
  wider: 2 ** 32 + 5,
  widest: Number.MAX_SAFE_INTEGER,
  below: -1,
  lowest: Number.MIN_SAFE_INTEGER,
  half: 0.5,
  tiny: -1e-300,
  list: ['a', 'b', 3, true],
  nested: { a: { b: [1, 2.5] } },
  raw: new Uint8Array([0, 255]),
}

describe('a request', () => {
  it('is what the official serializer makes of the same spans', () => {
    const made = encoded(provider => {
      const tracer = provider.getTracer('blockgate', '1.2.3')
      const remote = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 }
      const outer = trace.setSpanContext(ROOT_CONTEXT, {
        ...remote,
        isRemote: true,
        traceState: createTraceState('a=1'),
      })
      const root = tracer.startSpan('root', { kind: SpanKind.SERVER, attributes: VALUES }, outer)
      const child = tracer.startSpan('child', { kind: SpanKind.CLIENT }, trace.setSpan(ROOT_CONTEXT, root))
      child.addEvent('retry', { n: 1 }, 1_700_000_000_123.5)
      child.addEvent('nothing more')
      child.recordException(new TypeError('broken'))
      child.addLink({ context: remote, attributes: { why: 'before' } }).addLink({ context: root.spanContext() })
      child.setStatus({ code: SpanStatusCode.ERROR, message: 'fällt aus' })
      child.end()
      root.setStatus({ code: SpanStatusCode.OK })
      root.end()
      provider.getTracer('another').startSpan('x').end()
    })
    same(made)
    const [{ scope_spans: scopes }] = made.ours.resource_spans as [{ scope_spans: { spans: Message[] }[] }]
    expect(scopes.map(({ spans }) => spans.map(span => span.name))).toEqual([['child', 'root'], ['x']])
    expect(scopes[0]?.spans[0]?.links).toHaveLength(2)
  })

  // The official serializer writes null, and a whole number that no int64 holds: collectors refuse the request.
  it('has numbers that JSON has none for, and those that are no int64, as doubles', () => {
    const { json } = encoded(provider => {
      provider
        .getTracer('t')
        .startSpan('x', { attributes: { nan: NaN, most: Infinity, huge: 1e300 } })
        .end()
    })
    expect(json).toMatchObject({
      resourceSpans: [
        {
          scopeSpans: [
            {
              spans: [
                {
                  attributes: [
                    { key: 'nan', value: { doubleValue: 'NaN' } },
                    { key: 'most', value: { doubleValue: 'Infinity' } },
                    { key: 'huge', value: { doubleValue: 1e300 } },
                  ],
                },
              ],
            },
          ],
        },
      ],
    })
  })

  it.each([1, 1000, 20_000])('has right lengths for %i spans', count => {
    const made = encoded(provider => {
      for (let n = 0; n < count; n++)
        provider
          .getTracer('t')
          .startSpan('x'.repeat(n % 200))
          .end()
    })
    same(made)
    expect(made.size).toBeGreaterThan(count * 50)
  })

  it.each([0, 1, 999_999, 1e9 + 0.25, 1_764_530_000_123, 1_764_530_000_123.456, 4_294_967_295_999.999, 2 ** 42])(
    'has the time %f in nanoseconds',
    ms => {
      const made = encoded(provider => {
        const time: [number, number] = [Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)]
        provider.getTracer('t').startSpan('x', { startTime: time }).end(time)
      })
      const [{ scope_spans: scopes }] = made.ours.resource_spans as [{ scope_spans: { spans: Message[] }[] }]
      const start = scopes[0]?.spans[0]?.start_time_unix_nano as bigint
      expect(plain(made.json)).toEqual(plain(made.jsonReference))
      const exact = BigInt(Math.floor(ms / 1000)) * 1_000_000_000n + BigInt(Math.round((ms % 1000) * 1e6))
      expect(Math.abs(Number((start ?? 0n) - exact))).toBeLessThan(600)
    },
  )

  it('takes a small number for a time of the process’s own clock', () => {
    const made = encoded(provider => {
      provider.getTracer('t').startSpan('x', { startTime: performance.now() }).end(performance.now())
    })
    const [{ scope_spans: scopes }] = made.ours.resource_spans as [{ scope_spans: { spans: Message[] }[] }]
    const { start_time_unix_nano: start, end_time_unix_nano: end } = scopes[0]?.spans[0] ?? {}
    for (const time of [start, end]) expect(Math.abs(Number(time) / 1e6 - Date.now())).toBeLessThan(3_600_000)
  })

  it('keeps the newest 128 links and events, and counts the others', () => {
    const made = encoded(provider => {
      const span = provider.getTracer('t').startSpan('x')
      for (let n = 0; n < 130; n++) {
        span.addEvent(`${n}`).addLink({ context: { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 } })
      }
      span.end()
    })
    same(made)
    const [{ scope_spans: scopes }] = made.ours.resource_spans as [{ scope_spans: { spans: Message[] }[] }]
    const [span] = scopes[0]?.spans ?? []
    const [first] = (span?.events ?? []) as Message[]
    expect([span?.dropped_events_count, span?.dropped_links_count]).toEqual([2n, 2n])
    expect(first?.name).toBe('2')
  })
})
