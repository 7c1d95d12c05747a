/** An HTTP server on Node; on Deno, over its Node compatibility. */
import type { Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { getConnInfo } from '@hono/node-server/conninfo'
import type { Context, Hono } from 'hono'
import type { ListenAddress } from '../../config/listen-address.ts'
import { BlockgateError, ErrorCode, rawMessageOf } from '../../contracts/errors.ts'

/** A request that takes longer to arrive is cut off. */
const REQUEST_TIMEOUT_MS = 30_000

/** The host of a request that names none, as HTTP/1.0 may: not this machine, for `writeAccess` asks. */
const UNNAMED = 'host.invalid'

export interface HttpServer {
  /** Where a browser on this machine finds it, without a last slash. */
  readonly url: string
  /** Takes no more connections, lets answers finish within the grace, then cuts them off. Safe twice. */
  close(graceMs: number): Promise<void>
}

/** The address at the other end of the connection: what `createApp` wants as `peerOf`. */
export function peerOf(c: Context): string | undefined {
  return getConnInfo(c).remote.address
}

/** @throws BlockgateError `start-failed` where it cannot listen there */
export async function listen(app: Hono, { host, port }: ListenAddress): Promise<HttpServer> {
  const server = createAdaptorServer({ fetch: app.fetch, hostname: UNNAMED, overrideGlobalObjects: false }) as Server
  server.requestTimeout = REQUEST_TIMEOUT_MS
  await new Promise<void>((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => reject(cannotListen(`${urlHost(host ?? '')}:${port}`, error))
    server.once('error', failed)
    server.listen({ port, ...(host !== undefined && { host }) }, () => {
      server.off('error', failed)
      resolve()
    })
  })
  const address = server.address()
  if (typeof address !== 'object' || address === null)
    throw new BlockgateError(ErrorCode.internal, 'the server has no port')
  let closed: Promise<void> | undefined
  return {
    url: `http://${urlHost(browsable(host))}:${address.port}`,
    close: graceMs => (closed ??= close(server, graceMs)),
  }
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

function cannotListen(where: string, error: NodeJS.ErrnoException): BlockgateError {
  const taken = error.code === 'EADDRINUSE'
  const why = taken ? 'something listens there already' : rawMessageOf(error)
  const text = `the HTTP server cannot listen at ${where}: ${why}; choose another address with \`http\` in the config, or false for none`
  return new BlockgateError(taken ? ErrorCode.addressInUse : ErrorCode.startFailed, text, { cause: error })
}

/** Every interface is also this machine's own. */
function browsable(host: string | undefined): string {
  if (host === undefined || host === '0.0.0.0' || host === '::') return 'localhost'
  return host
}

function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
