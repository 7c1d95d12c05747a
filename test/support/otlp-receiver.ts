/** A collector on a free port of 127.0.0.1, which keeps what it is sent in protobuf, and lets a test wait for it. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
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

export interface Receiver extends AsyncDisposable {
  readonly url: string
  /** In the order of their arrival. */
  readonly spans: readonly ReceivedSpan[]
  /** Resolves when `done` says so of all spans so far; it is asked after each request. */
  until(done: (spans: readonly ReceivedSpan[]) => boolean): Promise<void>
}

export async function startReceiver(): Promise<Receiver> {
  const spans: ReceivedSpan[] = []
  const waiting = new Set<() => void>()
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    spans.push(...spansOf(request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body))
    response.end()
    for (const look of waiting) look()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    until: done =>
      new Promise((resolve, reject) => {
        const look = () => {
          try {
            if (!done(spans)) return
            resolve()
          } catch (error) {
            reject(error)
          }
          waiting.delete(look)
        }
        waiting.add(look)
        look()
      }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
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
