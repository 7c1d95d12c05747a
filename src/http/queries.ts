/** Queries of the blocks that are loaded here, as Prometheus takes them. */
import type { Context, Hono } from 'hono'
import { orAborted } from '../async/signals.ts'
import type { EntryCache } from '../cache/entry-cache.ts'
import type { ResolvedServe } from '../config/serve.ts'
import type { Host } from '../contracts/host.ts'
import type { QueryMetrics } from '../contracts/metrics.ts'
import type { Gateway } from '../gateway.ts'
import { Hedge } from '../query/hedge.ts'
import { Querier } from '../query/querier.ts'
import type { Warning } from '../query/query-run.ts'
import type { Body } from '../query/remote-read/body.ts'
import { remoteRead } from '../query/remote-read/read.ts'
import type { Snappy } from '../query/remote-read/request.ts'
import { HttpError } from './errors.ts'
import { labelApis } from './label-apis.ts'
import { QueryService } from './query-service.ts'
import { parentOf } from './request-spans.ts'
import { limitedBytes } from './requests.ts'

export interface QueryRoutes {
  readonly gateway: Gateway
  /** Of the config: what queries may take, and what they do where blocks are missing or bad. */
  readonly serve: ResolvedServe
  readonly host: Host
  readonly snappy: Snappy
  /** Where queries are counted. */
  readonly metrics?: QueryMetrics | undefined
  /** Bytes that the runtime's heap may have, where it tells. */
  readonly heapLimit?: number | undefined
  /** Of what queries read from the bucket. Default: nothing is kept. */
  readonly cache?: EntryCache | undefined
  /** Default: requests and answers are those of `fetch`. */
  readonly wire?: Wire | undefined
}

const MAX_BODY = 32 * 1024 * 1024
/** What of warnings a header has room for. */
const MAX_HEADER = 1_000

/** As which Prometheus the label APIs speak: Grafana asks, and takes what that version can. */
const BUILD = { version: '2.42.0+blockgate', revision: '', branch: '', buildUser: '', buildDate: '', goVersion: '' }

/** What a runtime can do with a request without the streams of `fetch`. */
export interface Wire {
  /** Aborts where the client goes before it has its answer. */
  signal(c: Context): AbortSignal
  /** The body of the request; undefined where it has more than `max` bytes. Rejects where it breaks off. */
  body(c: Context, max: number): Promise<Uint8Array | undefined>
  /** Sends `body` behind the headers of the answer that is returned next, whose own body is null. */
  send(c: Context, body: Body): void
}

/** Adds the routes to an app. */
export interface AddQueries {
  (app: Hono): void
  /** Refuses queries from now on, and waits for those that run; after `ms` they are refused, too. */
  close(ms: number): Promise<void>
}

/** The routes of queries: remote read, and the label APIs of Prometheus. */
export function queryRoutes({
  gateway,
  serve,
  host,
  snappy,
  metrics,
  heapLimit,
  cache,
  wire,
}: QueryRoutes): AddQueries {
  const headerMemory = serve.headerMemory ?? (heapLimit === undefined ? undefined : Math.floor(heapLimit / 4))
  const { sink } = gateway.plan
  const hedge = serve.hedge ? new Hedge({ ...serve.hedge, host }) : undefined
  const querier = new Querier({ sink: sink.stage, limits: serve.limits, headerMemory, gap: serve.gap, cache, hedge })
  const service = new QueryService({ gateway, serve, host, metrics })
  metrics?.observeReads?.({ hedges: hedge?.counts, cache })
  const add = (app: Hono) => {
    app.post('/api/v1/read', async c => {
      try {
        return await read(c)
      } catch (error) {
        throw service.failure(error)
      }
    })
    labelApis(app, querier, service)
    app.get('/api/v1/status/buildinfo', c => c.json({ status: 'success', data: BUILD }))
  }
  return Object.assign(add, { close: (ms: number) => service.close(ms) })

  async function read(c: Context): Promise<Response> {
    const query = await service.begin('read', wire?.signal(c) ?? c.req.raw.signal, parentOf(c))
    try {
      // A stream goes on after its answer has begun.
      const send = wire && ((body: Body) => wire.send(c, body))
      const options = { querier, snappy, onQuery: query.asks, onEnd: query.end, send }
      const { headers, body } = await remoteRead(await orAborted(bodyOf(c, wire), query.run.signal), options, query.run)
      const all = { ...headers, ...warningHeader(query.run.tell()) }
      return body === null ? c.body(null, 200, all) : c.body(body, 200, all)
    } catch (error) {
      query.end(error)
      throw error
    }
  }
}

/** Remote read has no word for warnings: a header for those that are known when the answer begins. */
function warningHeader(warnings: readonly Warning[]): Readonly<Record<string, string>> {
  if (warnings.length === 0) return {}
  const text = warnings.map(warning => warning.text).join('; ')
  return { 'x-blockgate-warnings': text.replace(/[^\x20-\x7e]+/g, '?').slice(0, MAX_HEADER) }
}

async function bodyOf(c: Context, wire: Wire | undefined): Promise<Uint8Array> {
  const isTooLong = Number(c.req.header('content-length')) > MAX_BODY
  const read = () => wire?.body(c, MAX_BODY) ?? limitedBytes(c.req.raw.body, MAX_BODY)
  const body = isTooLong ? undefined : await read()
  if (body) return body
  throw new HttpError(413, 'invalid-request', `the body must have <= ${MAX_BODY} bytes`)
}
