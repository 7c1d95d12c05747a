/** A collector in place of fetch(): keeps each request, and answers as the test says. */
import type { Fetch } from '../../src/runtime/tracing.ts'
import { type DecodedSpan, decodeSpans } from './decode-otlp.ts'

export interface SeenRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly redirect: string | undefined
  readonly body: Uint8Array
}

export interface Collector {
  readonly fetch: Fetch
  readonly requests: readonly SeenRequest[]
  /** The answer to the requests from now on. Default: 200 with an empty body. */
  answer(next: (signal: AbortSignal) => Response | Promise<Response>): void
  /** Spans of the requests that were answered with 200, in protobuf without compression. */
  spans(): readonly DecodedSpan[]
  /** The largest number of requests that were open at the same time. */
  readonly mostOpen: number
}

export function collector(): Collector {
  const requests: SeenRequest[] = []
  const taken: SeenRequest[] = []
  let answer: (signal: AbortSignal) => Response | Promise<Response> = () => new Response()
  let open = 0
  let mostOpen = 0
  return {
    async fetch(url, init) {
      const { headers, body, redirect, signal } = init
      if (!(body instanceof Uint8Array) || !signal) throw new Error('the exporter must send bytes, and a signal')
      const request = { url, headers: Object.fromEntries(new Headers(headers)), redirect, body }
      requests.push(request)
      open++
      mostOpen = Math.max(mostOpen, open)
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
