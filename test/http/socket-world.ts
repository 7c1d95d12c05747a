/** The world of the HTTP tests, asked over a real socket: what a request made in memory does not show, shows here. */
import { request as send } from 'node:http'
import { createApp, pages } from 'blockgate/http'
import { onTestFinished } from 'vitest'
import { listen } from '../../src/runtime/server/listen.ts'
import { type WorldOptions, world } from '../support/world.ts'
import type { AppWorld } from './app-world.ts'
import { asking } from './described.ts'

/** Stands in for the address of a sender that a test cannot have. */
const PEER = 'x-test-peer'

export async function appWorld(options: WorldOptions = {}): Promise<AppWorld> {
  const made = await world(options)
  const { gateway, config, host } = made
  const metrics = { text: async () => 'up 1\n' }
  const app = createApp({ gateway, config, host, version: '1.2.3', pages, metrics, peerOf: c => c.req.header(PEER) })
  const server = await listen(app, { host: '127.0.0.1', port: 0 })
  onTestFinished(() => server.close(0))
  const ask = (path: string, init: RequestInit = {}, env: { peer?: string } = {}) =>
    overSocket(server.url, path, init, env.peer)
  return {
    ...made,
    ...asking(ask),
    app: { routes: app.routes, request: ask } as unknown as AppWorld['app'],
    post: (path, { peer = '127.0.0.1', ...init } = {}) =>
      ask(`http://localhost:10902${path}`, { method: 'POST', ...init }, { peer }),
  }
}

/** Not with fetch(), which sets and forbids headers of its own. Without a body none is announced, as curl does it. */
function overSocket(base: string, target: string, init: RequestInit, peer: string | undefined): Promise<Response> {
  const { host, pathname, search } = new URL(target, base)
  const headers: Record<string, string> = { host, ...Object.fromEntries(new Headers(init.headers)) }
  if (peer !== undefined) headers[PEER] = peer
  const { method = 'GET', body } = init
  return new Promise((resolve, reject) => {
    const request = send(`${base}${pathname}${search}`, { method, headers, agent: false }, async response => {
      const chunks: Buffer[] = []
      for await (const chunk of response) chunks.push(chunk)
      const { statusCode: status = 0, rawHeaders } = response
      const pairs = Array.from({ length: rawHeaders.length / 2 }, (_, i) => rawHeaders.slice(2 * i, 2 * i + 2))
      const empty = method === 'HEAD' || status === 304
      resolve(new Response(empty ? null : Buffer.concat(chunks), { status, headers: pairs as [string, string][] }))
    })
    request.on('error', reject)
    if (body === undefined || body === null) request.removeHeader('content-length')
    request.end(body ?? undefined)
  })
}
