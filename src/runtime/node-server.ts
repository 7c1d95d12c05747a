/** A gateway as a service on Node: its HTTP server, from before the first run until after the last. */
import { getHeapStatistics } from 'node:v8'
import type { ResolvedConfig } from '../config/config.ts'
import { resolveServe } from '../config/serve.ts'
import { codeOf, ErrorCode } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'
import type { Metrics } from '../contracts/metrics.ts'
import type { Gateway } from '../gateway.ts'
import { createApp } from '../http/app.ts'
import { queryRoutes } from '../http/queries.ts'
import { VERSION } from '../version.ts'
import { type HttpServer, listen, peerOf } from './server/listen.ts'
import { snappy } from './snappy.ts'

export { type StopSignals, stopSignals } from './server/stop-signals.ts'

export interface ServeOptions {
  readonly gateway: Gateway
  /** Of the gateway; `http` says where to listen. */
  readonly config: ResolvedConfig
  readonly host: Host
  /** What /metrics answers, and where queries are counted: see setupMetrics. */
  readonly metrics?: { text(): Promise<string>; readonly metrics?: Metrics | undefined } | undefined
  /** Where the port is taken, any free one is. Default false. */
  readonly orFreePort?: boolean | undefined
}

export interface Service {
  /** Undefined where the config says `http: false`. */
  readonly url: string | undefined
  /**
   * Stops the gateway: adds in flight may finish within the config's stopGrace. The server answers until that is done,
   * `/-/ready` with 503, and then closes. Safe twice.
   * @throws what the gateway's stop threw, after the server was closed
   */
  stop(): Promise<void>
}

/** Answers that are on their way at the end, in ms. */
const CLOSE_GRACE_MS = 2_000

/**
 * Starts the HTTP server, and not the gateway: call it before `gateway.start()`, so that health and progress can be
 * asked for during the first run.
 * @throws BlockgateError `address-in-use` or `start-failed` where it cannot listen
 */
export async function serveGateway(options: ServeOptions): Promise<Service> {
  const { gateway, host } = options
  const server = await open(options)
  if (server) host.log.info('http server listening', { url: server.url })
  let stopped: Promise<void> | undefined
  const stop = () => gateway.stop().finally(() => server?.close(CLOSE_GRACE_MS))
  return { url: server?.url, stop: () => (stopped ??= stop()) }
}

async function open(options: ServeOptions): Promise<HttpServer | undefined> {
  const { gateway, config, host, metrics, orFreePort = false } = options
  if (!config.http) return undefined
  const app = createApp({
    gateway,
    config,
    host,
    metrics,
    peerOf,
    queries: queryRoutes({
      gateway,
      serve: resolveServe(config.serve),
      host,
      snappy,
      metrics: metrics?.metrics,
      heapLimit: getHeapStatistics().heap_size_limit,
    }),
    version: VERSION,
  })
  try {
    return await listen(app, config.http)
  } catch (error) {
    if (!orFreePort || codeOf(error) !== ErrorCode.addressInUse) throw error
    host.log.warn('the port is taken: a free one is used', { port: config.http.port })
    return await listen(app, { ...config.http, port: 0 })
  }
}
