/** The spans of requests in OTLP, as a test reads them, and their tree as text. */
import { decode, type Message, REQUEST } from '../runtime/protobuf.ts'

export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  /** Empty: it is a root. */
  readonly parentSpanId: string
  readonly name: string
  /** ms since the epoch, with fractions. */
  readonly start: number
  readonly end: number
  readonly attributes: Readonly<Record<string, unknown>>
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[]
  readonly events: readonly string[]
  readonly isError: boolean
}

const list = (message: Message, name: string): readonly Message[] => (message[name] ?? []) as Message[]

/** @throws Error for what is no ExportTraceServiceRequest */
export function spansOf(body: Uint8Array): ReceivedSpan[] {
  return list(decode(body, REQUEST), 'resource_spans')
    .flatMap(resource => list(resource, 'scope_spans'))
    .flatMap(scope => list(scope, 'spans'))
    .map(received)
}

function received(span: Message): ReceivedSpan {
  const place = (message: Message) => ({ traceId: `${message.trace_id}`, spanId: `${message.span_id}` })
  return {
    ...place(span),
    parentSpanId: `${span.parent_span_id ?? ''}`,
    name: `${span.name}`,
    start: ms(span.start_time_unix_nano),
    end: ms(span.end_time_unix_nano),
    attributes: valuesOf(span),
    links: list(span, 'links').map(place),
    events: list(span, 'events').map(event => `${event.name}`),
    isError: (span.status as Message | undefined)?.code === 2n,
  }
}

function ms(nanos: unknown): number {
  return Number(nanos) / 1e6
}

function valuesOf(span: Message): Readonly<Record<string, unknown>> {
  return Object.fromEntries(list(span, 'attributes').map(({ key, value }) => [`${key}`, plain(value as Message)]))
}

/** `AnyValue` has one field. */
function plain(value: Message): unknown {
  const [kind, inner] = Object.entries(value)[0] ?? []
  if (kind === 'int_value') return Number(inner)
  if (kind === 'bool_value') return inner === 1n
  return kind === 'array_value' ? list(inner as Message, 'values').map(plain) : inner
}

/**
 * The traces of blocks, a line a span, two spaces deeper than its parent's. Children stand in the order of their begin, then in that of their
 * end. After the name: the chosen attributes, `~>` and the names of linked spans, `!error`.
 */
export function blockTraces(spans: readonly ReceivedSpan[], keys: readonly string[]): string {
  const byId = new Map(spans.map(span => [span.spanId, span]))
  const childrenOf = Map.groupBy(spans, span => (byId.has(span.parentSpanId) ? span.parentSpanId : ''))
  const lines: string[] = []
  const write = (span: ReceivedSpan, depth: number) => {
    const linked = span.links.map(link => byId.get(link.spanId)?.name ?? '(unknown)')
    const said = keys
      .filter(key => span.attributes[key] !== undefined)
      .map(key => `${key}=${text(span.attributes[key])}`)
    const line = [
      span.name,
      ...said,
      ...(linked.length > 0 ? [`~> ${linked.join(', ')}`] : []),
      ...(span.isError ? ['!error'] : []),
    ]
    lines.push('  '.repeat(depth) + line.join(' '))
    for (const child of inOrder(childrenOf.get(span.spanId) ?? [])) write(child, depth + 1)
  }
  for (const root of inOrder(childrenOf.get('') ?? [])) if (root.name.startsWith('block ')) write(root, 0)
  return lines.join('\n')
}

function inOrder(spans: readonly ReceivedSpan[]): readonly ReceivedSpan[] {
  return [...spans].sort((a, b) => a.start - b.start)
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
