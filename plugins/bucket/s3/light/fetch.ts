/** Requests of Deno and Workers. */
import { streamSource } from 'blockgate/bucket'
import type { Transport } from './transport.ts'

/** What Deno and workerd say of a connection that failed, by the code that Node gives it. */
const CODES: readonly (readonly [RegExp, string])[] = [
  [/connection refused|os error (111|61|10061)\b/i, 'ECONNREFUSED'],
  [/certificate|UnknownIssuer/i, 'ERR_TLS_CERT'],
  [/dns error|failed to lookup/i, 'ENOTFOUND'],
]

/** The runtime has its own pool of connections, which it does not close. */
export function fetchTransport(): Transport {
  return {
    async send({ origin, path, headers: { host: _, ...signed }, signal }) {
      // Else fetch asks for gzip, and a body that something in between has compressed comes without its size.
      const headers = { ...signed, 'accept-encoding': 'identity' }
      let response: Response
      try {
        response = await fetch(origin + path, { headers, signal, redirect: 'manual' })
      } catch (error) {
        throw signal.aborted ? signal.reason : withCode(error)
      }
      const { status, body } = response
      const source = body ? streamSource(body) : undefined
      return {
        status,
        header: name => response.headers.get(name) ?? undefined,
        body: {
          async read() {
            try {
              return await source?.read()
            } catch (error) {
              throw signal.aborted ? signal.reason : withCode(error)
            }
          },
          destroy() {
            Promise.resolve(source?.close({ end: 'cancelled' })).catch(() => {})
          },
        },
      }
    },
    close() {},
  }
}

/** fetch says why a connection failed in words only. The request is ours, so nothing else can be wrong with it. */
function withCode(error: unknown): unknown {
  const code = CODES.find(([words]) => words.test(String(error)))?.[1] ?? 'ECONNRESET'
  return Object.assign(new Error(String(error), { cause: error }), { code })
}
