/** A scripted HTTP server where an S3 store should be: for answers that a real one gives rarely, or never. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'

export interface StubStore extends AsyncDisposable {
  readonly endpoint: string
  /** `GET /metrics/a`, as they came. */
  readonly requests: readonly string[]
  /** Connections that are open now. */
  readonly open: number
  /** Connections that were made. */
  readonly connections: number
  /** Resolves once no connection is open. */
  idle(): Promise<void>
}

export type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** Listens on a free port of 127.0.0.1; with `tls` it speaks https. Disposing it closes every connection. */
export async function stubStore(
  answer: Answer,
  tls?: { readonly cert: string; readonly key: string },
): Promise<StubStore> {
  const requests: string[] = []
  const sockets = new Set<{ destroy(): unknown }>()
  let idle: (() => void)[] = []
  let connections = 0
  const listener: Answer = (request, response) => {
    requests.push(`${request.method} ${request.url}`)
    answer(request, response)
  }
  const server = tls ? createTlsServer(tls, listener) : createServer(listener)
  server.on('connection', socket => {
    connections++
    sockets.add(socket)
    socket.once('close', () => {
      sockets.delete(socket)
      if (sockets.size > 0) return
      for (const resolve of idle) resolve()
      idle = []
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    endpoint: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    requests,
    get open() {
      return sockets.size
    },
    get connections() {
      return connections
    },
    async idle() {
      if (sockets.size > 0) await new Promise<void>(resolve => idle.push(resolve))
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** An error as S3 gives it. */
export function s3Failure(
  status: number,
  code: string,
  { message = '', headers = {}, more = '' }: { message?: string; headers?: Record<string, string>; more?: string } = {},
): Answer {
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${message}</Message>${more}</Error>`
  return (_, response) => {
    response.writeHead(status, { 'content-type': 'application/xml', 'x-amz-request-id': 'REQUEST-1', ...headers })
    response.end(body)
  }
}

/** An object as S3 gives it; `headers` replace what they name. */
export function s3Object(body: string, headers: Record<string, string> = {}, status = 200): Answer {
  return (_, response) => {
    response.writeHead(status, {
      'content-length': String(body.length),
      etag: '"0123456789abcdef0123456789abcdef"',
      'last-modified': 'Sun, 22 Nov 2026 21:10:52 GMT',
      ...headers,
    })
    response.end(body)
  }
}
