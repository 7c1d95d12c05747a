/** A collector on a free port of 127.0.0.1, which keeps what it is sent in protobuf, and lets a test wait for it. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { type ReceivedSpan, spansOf } from './received-spans.ts'

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
