/**
 * A TCP proxy in front of an HTTP store, for what networks and overloaded stores do: delays, resets, refusals, bodies that
 * are cut short or stall. It looks at the first line of each request and at nothing else of what it carries.
 *
 * The clients here send one request after the other on a connection, so what comes from the client in one piece and starts
 * like a request is one.
 */
import { createServer, type Server, type Socket } from 'node:net'
import { freePorts } from './free-ports.ts'
import type { FaultPlan, SeenRequest } from './tcp-proxy/faults.ts'
import { connect } from './tcp-proxy/pipe.ts'

export { burst, chance, type FaultPlan, firstOf, type NetFault, nth, type SeenRequest } from './tcp-proxy/faults.ts'

export interface TcpProxy extends AsyncDisposable {
  /** `http://127.0.0.1:port`. */
  readonly endpoint: string
  /** Every request that came, in order. */
  readonly requests: readonly SeenRequest[]
  /** Connections from clients that are open now. */
  readonly open: number
  /** What goes wrong with the next requests; undefined for nothing. */
  plan: FaultPlan | undefined
  /** Breaks every connection and refuses new ones, until `up()`. */
  down(): Promise<void>
  up(): Promise<void>
}

export interface TcpProxyOptions {
  /** `http://127.0.0.1:port` of the store. */
  readonly target: string
  /** Added to what goes to the store, in ms. Default 0. */
  readonly requestDelay?: number | undefined
  /** Added to what comes from the store, in ms. Default 0. */
  readonly responseDelay?: number | undefined
  readonly plan?: FaultPlan | undefined
}

/** Listens on a free port of 127.0.0.1. */
export async function tcpProxy(options: TcpProxyOptions): Promise<TcpProxy> {
  const target = new URL(options.target)
  const requests: SeenRequest[] = []
  const times = new Map<string, number>()
  const sockets = new Set<Socket>()
  const faultOf = (method: string, path: string) => {
    const line = `${method} ${path}`
    const time = (times.get(line) ?? 0) + 1
    times.set(line, time)
    const request = { method, path, time, number: requests.length + 1 }
    requests.push(request)
    return proxy.plan?.(request)
  }
  const server: Server = createServer(client => {
    sockets.add(client)
    client.once('close', () => sockets.delete(client))
    connect(client, {
      host: target.hostname,
      port: Number(target.port),
      requestDelay: options.requestDelay ?? 0,
      responseDelay: options.responseDelay ?? 0,
      faultOf,
    })
  })
  // One that it may leave and come back to.
  const [port] = await freePorts(1)
  const up = () =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', () => {
        server.off('error', reject)
        resolve()
      })
    })
  await up()
  const down = async () => {
    if (!server.listening) return
    const closed = new Promise(resolve => server.close(resolve))
    for (const socket of sockets) socket.resetAndDestroy()
    await closed
  }
  const proxy: TcpProxy = {
    endpoint: `http://127.0.0.1:${port}`,
    requests,
    plan: options.plan,
    get open() {
      return sockets.size
    },
    down,
    up,
    [Symbol.asyncDispose]: down,
  }
  return proxy
}
