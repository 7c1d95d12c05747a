/** A collector over real HTTP on a free port: reads OTLP in JSON, and answers as a test says. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { type DecodedSpan, decodeSpans } from './otlp.ts'

const servers: Server[] = []

export interface OtlpServer {
  readonly received: readonly Received[]
  readonly endpoint: string
  readonly requests: () => number
}

export interface Received {
  readonly headers: IncomingMessage['headers']
  readonly url: string | undefined
  readonly spans: readonly DecodedSpan[]
}

/** Answers request number n (from 1) as `answer` says, after it was read; a 2xx is kept. */
export async function startCollector(
  answer: (n: number, response: ServerResponse) => Promise<number> | number,
): Promise<OtlpServer> {
  const received: Received[] = []
  let count = 0
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const raw = Buffer.concat(chunks)
    const status = await answer(++count, response)
    if (status < 300) {
      const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw
      received.push({ headers: request.headers, url: request.url, spans: decodeSpans(body) })
    }
    response.writeHead(status).end()
  })
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { received, endpoint: `http://127.0.0.1:${port}`, requests: () => count }
}

/** Stops every collector of this file's process. */
export function stopCollectors(): void {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
}
