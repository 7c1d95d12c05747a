/** Tracing on a fake host, with a collector in place of fetch(): it keeps each request, and answers as the test says. */
import { trace } from '@opentelemetry/api'
import { afterEach } from 'vitest'
import { type Fetch, setupTracing, type TracingOptions } from '../../src/runtime/tracing.ts'
import { fakeHost } from '../../src/testing/fake-host.ts'
import { type DecodedSpan, decodeSpans, JSON_ENV } from './otlp.ts'

export interface SeenRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly redirect: string | undefined
  readonly body: Uint8Array
}

type Answer = (signal: AbortSignal) => Response | Promise<Response>

export interface Collector {
  readonly fetch: Fetch
  readonly requests: readonly SeenRequest[]
  /** The answer to the requests from now on. Default: 200 with an empty body. */
  answer(next: Answer): void
  /** Spans of the requests that were answered with 200, in JSON without compression. */
  spans(): readonly DecodedSpan[]
  /** The largest number of requests that were open at the same time. */
  readonly mostOpen: number
}

export function collector(): Collector {
  const requests: SeenRequest[] = []
  const taken: SeenRequest[] = []
  let answer: Answer = () => new Response()
  let open = 0
  let mostOpen = 0
  return {
    async fetch(url, init) {
      const { headers, body, redirect, signal } = init
      if (!(body instanceof Uint8Array) || !signal) throw new Error('the exporter must send bytes, and a signal')
      const request = { url, headers: Object.fromEntries(new Headers(headers)), redirect, body }
      requests.push(request)
      mostOpen = Math.max(mostOpen, ++open)
      try {
        const response = await answer(signal)
        if (response.ok) taken.push(request)
        return response
      } finally {
        open--
      }
    },
    requests,
    answer(next) {
      answer = next
    },
    spans: () => taken.flatMap(({ body }) => decodeSpans(body)),
    get mostOpen() {
      return mostOpen
    },
  }
}

export const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector.test:4318' }

const running: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const { close } of running.splice(0)) await close()
})

/** Tracing that ends with its test. */
export function setUp(env: Record<string, string> = {}, options: TracingOptions = {}) {
  const stub = collector()
  const host = fakeHost()
  const all = { ...ENDPOINT, ...JSON_ENV, ...env }
  const tracing = setupTracing(all, { host, fetch: stub.fetch, background: true, ...options })
  running.push({
    async close() {
      stub.answer(() => new Response())
      const closed = tracing.shutdown()
      await host.advance(60_000)
      await closed
    },
  })
  return { stub, host, tracing }
}

export function endSpans(count: number, name = 'span'): void {
  for (let i = 0; i < count; i++) trace.getTracer('test').startSpan(`${name} ${i}`).end()
}

/** An answer without a body. */
export function status(code: number, headers: Record<string, string> = {}): () => Response {
  return () => new Response(null, { status: code, headers })
}

/** Takes the request, and never answers. */
export function never(signal: AbortSignal): Promise<Response> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
}
