/** A gateway as a service on Node: its HTTP server, from before the first run until after the last. */
import { getHeapStatistics } from 'node:v8'
import { compress as compressed } from 'hono/compress'
import { orAborted } from '../async/signals.ts'
import { EntryCache } from '../cache/entry-cache.ts'
import { memoryCache } from '../cache/memory.ts'
import type { ResolvedConfig } from '../config/config.ts'
import type { ListenAddress } from '../config/listen-address.ts'
import { isCache, resolveServe } from '../config/serve.ts'
import { BlockgateError, codeOf, ErrorCode } from '../contracts/errors.ts'
import type { Host, LocalFiles } from '../contracts/host.ts'
import type { Metrics } from '../contracts/metrics.ts'
import type { Gateway } from '../gateway.ts'
import { createApp } from '../http/app.ts'
import type { MetricsTexts } from '../http/metrics.ts'
import { pages } from '../http/pages/pages.ts'
import { type AddQueries, queryRoutes } from '../http/queries.ts'
import { withinGrace } from '../pipeline/lifecycle.ts'
import { VERSION } from '../version.ts'
import { type HttpServer, listen, peerOf } from './server/listen.ts'
import { withProcessMetrics } from './server/process-metrics.ts'
import type { WebConfig } from './server/web-config.ts'
import { nodeWire } from './server/wire.ts'
import { snappy } from './snappy.ts'

export { type StopSignals, stopSignals } from './server/stop-signals.ts'
export type { WebConfig } from './server/web-config.ts'

export interface ServeOptions {
  readonly gateway: Gateway
  /** Of the gateway; `http` says where to listen. */
  readonly config: ResolvedConfig
  readonly host: Host
  /** The disk, for a cache of queries that needs one. Default: none. */
  readonly files?: LocalFiles | undefined
  /** What /metrics answers, and where queries are counted: see setupMetrics. */
  readonly metrics?: (MetricsTexts & { readonly metrics?: Metrics | undefined }) | undefined
  /** Where the port is taken, any free one is. Default false. */
  readonly orFreePort?: boolean | undefined
  /** TLS and users: see readWebConfig. Default: plain HTTP, without users. */
  readonly web?: WebConfig | undefined
}

export interface Service {
  /** Undefined where the config says `http: false`. */
  readonly url: string | undefined
  /**
   * Lets queries end, and stops the gateway: adds in flight may finish within the config's stopGrace. The server answers until that is done,
   * `/-/ready` with 503, and then closes. Safe twice.
   * @throws what the gateway's stop threw, after the server was closed
   */
  stop(): Promise<void>
}

/** Queries that run when the gateway is stopped, in ms. */
const QUERY_GRACE_MS = 2_000
/** Answers that are on their way at the end, in ms. */
const CLOSE_GRACE_MS = 2_000
const compress = compressed()

/**
 * Starts the HTTP server, and not the gateway: call it before `gateway.start()`, so that health and progress can be
 * asked for during the first run.
 * @throws BlockgateError `address-in-use` or `start-failed` where it cannot listen
 */
export async function serveGateway(options: ServeOptions): Promise<Service> {
  const { gateway, config, host, files } = options
  if (!config.http) return { url: undefined, stop: () => gateway.stop() }
  const serve = resolveServe(config.serve)
  const cache = new EntryCache(isCache(serve.cache) ? serve.cache : memoryCache(serve.cache.memory), host)
  const queries = queryRoutes({
    gateway,
    serve,
    host,
    cache,
    snappy,
    metrics: options.metrics?.metrics,
    wire: nodeWire,
    heapLimit: getHeapStatistics().heap_size_limit,
  })
  const server = await open(options, config.http, queries)
  host.log.info('http server listening', { url: server.url })
  const ending = new AbortController()
  // Queries go without it until it has started.
  const starting = cache.start({ files, instance: config.instance }, ending.signal)
  const stop = async () => {
    try {
      // What they read with is stopped with the gateway.
      await queries.close(QUERY_GRACE_MS)
      await gateway.stop()
    } finally {
      await server.close(CLOSE_GRACE_MS)
      ending.abort(new BlockgateError(ErrorCode.stopped, 'the gateway is stopping'))
      await withinGrace(host, CLOSE_GRACE_MS, async late => {
        await orAborted(starting, late)
        await cache.stop(late)
        // It is logged; what a cache leaves behind holds up nothing.
      }).catch(() => {})
    }
  }
  let stopped: Promise<void> | undefined
  return { url: server.url, stop: () => (stopped ??= stop()) }
}

async function open(
  { gateway, config, host, metrics, orFreePort = false, web }: ServeOptions,
  address: ListenAddress,
  queries: AddQueries,
): Promise<HttpServer> {
  // Deno has not all that they need.
  const texts = metrics && !('Deno' in globalThis) ? withProcessMetrics(metrics) : metrics
  const { password } = web ?? {}
  const side = { peerOf, queries, version: VERSION, compress, pages, password }
  const app = createApp({ gateway, config, host, metrics: texts, ...side })
  try {
    return await listen(app, address, web?.tls)
  } catch (error) {
    if (!orFreePort || codeOf(error) !== ErrorCode.addressInUse) throw error
    host.log.warn('the port is taken: a free one is used', { port: address.port })
    return await listen(app, { ...address, port: 0 }, web?.tls)
  }
}
