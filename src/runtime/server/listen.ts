/** An HTTP server on Node; on Deno, over its Node compatibility. */
import { once } from 'node:events'
import { unwatchFile, watchFile } from 'node:fs'
import type { Server } from 'node:http'
import { createServer, type Server as SecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { createAdaptorServer } from '@hono/node-server'
import { getConnInfo } from '@hono/node-server/conninfo'
import type { Context, Hono } from 'hono'
import type { ListenAddress } from '../../config/listen-address.ts'
import { BlockgateError, ErrorCode, rawMessageOf } from '../../contracts/errors.ts'
import type { WebTls } from './web-config.ts'
import { type NodeEnv, sent } from './wire.ts'

/** A request that takes longer to arrive is cut off. */
const REQUEST_TIMEOUT_MS = 30_000
/** How often files of certificates are looked at. */
const RENEW_MS = 10_000

/**
 * An idle connection is closed after it. Longer than the 5 minutes of a Prometheus' client and the 1 to 5 of usual load balancers: one
 * that closes first cannot send a request into a connection that the server just closed. Node's own 5 s made queries fail.
 */
const KEEP_ALIVE_MS = 360_000

/** The host of a request that names none, as HTTP/1.0 may: not this machine, for `writeAccess` asks. */
const UNNAMED = 'host.invalid'

export interface HttpServer {
  /** Where a browser on this machine finds it, without a last slash. */
  readonly url: string
  /** Takes no more connections, lets answers finish within the grace, then cuts them off. */
  close(graceMs: number): Promise<void>
}

/** The address at the other end of the connection: what `createApp` wants as `peerOf`. */
export function peerOf(c: Context): string | undefined {
  return getConnInfo(c).remote.address
}

/** @throws BlockgateError `address-in-use`, or `start-failed` where it cannot listen there for another reason */
export async function listen(app: Hono, { host, port }: ListenAddress, tls?: WebTls): Promise<HttpServer> {
  const fetch = (request: Request, env: unknown) => sent(app.fetch(request, env as object), env as NodeEnv)
  const options = { fetch, hostname: UNNAMED, overrideGlobalObjects: false }
  const server = tls ? secured(options, tls) : (createAdaptorServer(options) as Server)
  server.requestTimeout = REQUEST_TIMEOUT_MS
  server.keepAliveTimeout = KEEP_ALIVE_MS
  try {
    server.listen({ port, ...(host !== undefined && { host }) })
    await once(server, 'listening')
  } catch (error) {
    throw cannotListen(`${urlHost(host ?? '')}:${port}`, error as NodeJS.ErrnoException)
  }
  // Every interface is also this machine's own.
  const here = host === undefined || host === '0.0.0.0' || host === '::' ? 'localhost' : host
  return {
    url: `${tls ? 'https' : 'http'}://${urlHost(here)}:${(server.address() as AddressInfo).port}`,
    close: graceMs => close(server, graceMs),
  }
}

function secured(options: Parameters<typeof createAdaptorServer>[0], tls: WebTls): Server {
  const server = createAdaptorServer({ ...options, createServer, serverOptions: tls.options }) as SecureServer
  server.on('secureConnection', (socket: TLSSocket) => {
    const sent = tls.clients !== undefined && socket.getPeerCertificate().raw !== undefined
    if (tls.clients === 'any' ? !sent : sent && !socket.authorized) socket.destroy()
  })
  // Certificates are renewed while the gateway runs.
  const renew = () => {
    try {
      server.setSecureContext(tls.again())
    } catch {
      // Half of them is written: the old ones serve until the rest is there.
    }
  }
  for (const file of tls.files) watchFile(file, { interval: RENEW_MS, persistent: false }, renew)
  server.on('close', () => {
    for (const file of tls.files) unwatchFile(file, renew)
  })
  return server as unknown as Server
}

function close(server: Server, graceMs: number): Promise<void> {
  return new Promise(resolve => {
    const late = setTimeout(() => server.closeAllConnections(), graceMs)
    // What a browser or a scraper keeps open, with nothing on its way, is closed at once.
    server.close(() => {
      clearTimeout(late)
      resolve()
    })
  })
}

function cannotListen(where: string, cause: NodeJS.ErrnoException): BlockgateError {
  const taken = cause.code === 'EADDRINUSE'
  const why = taken ? 'something listens there already' : rawMessageOf(cause)
  const text = `the HTTP server cannot listen at ${where}: ${why}; choose another address with \`http\` in the config, or false for none`
  return new BlockgateError(taken ? ErrorCode.addressInUse : ErrorCode.startFailed, text, { cause })
}

function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
