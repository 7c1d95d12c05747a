/** One batch of spans as one OTLP/HTTP request: https://opentelemetry.io/docs/specs/otlp/#otlphttp */
import { linkSignals } from '../../async/signals.ts'
import { rawMessageOf } from '../../contracts/errors.ts'
import type { Host } from '../../contracts/host.ts'
import { partialSuccess } from './answer.ts'
import type { Batch } from './batch.ts'
import type { TracingSettings } from './settings.ts'

/** What became of a request. `detail` is for the log: a status or an error's text, never a header or a URL. */
export type Sent =
  | { readonly kind: 'delivered'; readonly rejected: number; readonly detail: string }
  /** Another try may help; not before `afterMs`. */
  | { readonly kind: 'retry'; readonly afterMs: number; readonly detail: string }
  | { readonly kind: 'refused'; readonly detail: string }

export interface Sender {
  /** The request's body as it is sent. Made once a batch: another try sends the same bytes. */
  encode(batch: Batch): Promise<Uint8Array<ArrayBuffer>>
  /** Never rejects. When `signal` aborts, the request does. */
  send(body: Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<Sent>
}

export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** What the specification calls retryable. Every other answer would be the same again. */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504])

/** A collector that asks for more than this is asked again all the same. */
const MAX_RETRY_AFTER_MS = 300_000

export function createSender(settings: TracingSettings, host: Host, fetch: Fetch): Sender {
  const { encoding, gzip, timeoutMs } = settings
  const headers: Record<string, string> = {
    ...settings.headers,
    'content-type': encoding === 'json' ? 'application/json' : 'application/x-protobuf',
    ...(gzip && { 'content-encoding': 'gzip' }),
  }
  return {
    encode: async batch => (gzip ? await zipped(batch.body()) : batch.body()),
    async send(body, signal) {
      using link = linkSignals(signal)
      using _ = host.setTimer(timeoutMs, () => link.abort(new Error(`no answer within ${timeoutMs} ms`)))
      try {
        // A redirect is not followed: the headers carry the collector's credentials.
        const init = { method: 'POST', body, headers, signal: link.signal, redirect: 'manual' } as const
        const response = await fetch(settings.url, init)
        if (response.ok) {
          // The collector may have taken only a part: it says how many spans it did not take, and sending again is forbidden.
          return { kind: 'delivered', ...partialSuccess(new Uint8Array(await response.arrayBuffer()), encoding) }
        }
        await response.body?.cancel()
        const detail = `the collector answered ${response.status}`
        if (!RETRYABLE.has(response.status)) return { kind: 'refused', detail }
        return { kind: 'retry', afterMs: retryAfterMs(response.headers.get('retry-after'), host.now()), detail }
      } catch (error) {
        return { kind: 'retry', afterMs: 0, detail: textOf(link.signal.reason ?? error) }
      }
    },
  }
}

/** Seconds, or an HTTP date. What is neither counts as not given. */
function retryAfterMs(header: string | null, now: number): number {
  if (header === null) return 0
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS) : 0
}

/** fetch() says only "fetch failed"; what failed is its cause. */
function textOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? `: ${rawMessageOf(error.cause)}` : ''
  return rawMessageOf(error) + cause
}

async function zipped(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream('gzip'))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}
