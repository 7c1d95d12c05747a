/** Queries of the blocks that are loaded here, as Prometheus takes them. */
import type { Context, Hono } from 'hono'
import type { ResolvedServe } from '../config/serve.ts'
import { codeOf, ErrorCode, rawMessageOf } from '../contracts/errors.ts'
import type { Gateway } from '../gateway.ts'
import { matcher } from '../query/matchers.ts'
import { mayHave, Querier, restOf, type Selection } from '../query/querier.ts'
import { remoteRead } from '../query/remote-read/read.ts'
import type { Snappy } from '../query/remote-read/request.ts'
import { HttpError } from './errors.ts'
import { labelApis } from './label-apis.ts'

const RETRY_AFTER_S = '5'
/** The stage of an ownership plugin. */
const OWNED = 'owned'
const MAX_BODY = 32 * 1024 * 1024

const STATUS: Readonly<Record<string, 400 | 413 | 422 | 503>> = {
  [ErrorCode.invalidQuery]: 400,
  [ErrorCode.queryTooLarge]: 422,
  [ErrorCode.unsupported]: 422,
}

/** As which Prometheus the label APIs speak: Grafana asks, and takes what that version can. */
const BUILD = { version: '2.42.0+blockgate', revision: '', branch: '', buildUser: '', buildDate: '', goVersion: '' }

export interface QueryRoutes {
  readonly gateway: Gateway
  /** Of the config: what queries may take, and what they do where blocks are missing or bad. */
  readonly serve: ResolvedServe
  readonly snappy: Snappy
  /** Bytes that the runtime's heap may have, where it tells. */
  readonly heapLimit?: number | undefined
}

/** Adds the routes of queries to an app: remote read, and the label APIs of Prometheus. */
export function queryRoutes({ gateway, serve, snappy, heapLimit }: QueryRoutes): (app: Hono) => void {
  const { limits } = serve
  const headerMemory = serve.headerMemory ?? (heapLimit === undefined ? undefined : Math.floor(heapLimit / 4))
  const querier = new Querier({ sink: gateway.plan.sink.stage, limits, headerMemory, gap: serve.gap })
  const assertAll = (query: Selection) => assertComplete(gateway, query)
  let running = 0
  /** @returns what ends the query, once */
  const enter = (): (() => void) => {
    if (!gateway.plan.sink.stage.open) {
      throw new HttpError(501, 'unsupported', `the sink ${gateway.plan.sink.name} keeps no data that can be queried`)
    }
    if (running >= limits.concurrent) {
      const text = `at most ${limits.concurrent} queries are answered at once (serve.limits.concurrent): try again`
      throw new HttpError(429, 'too-many-queries', text, { 'retry-after': RETRY_AFTER_S })
    }
    running++
    let isOver = false
    return () => {
      if (!isOver) running--
      isOver = true
    }
  }
  const bounded = async (_: Context, next: () => Promise<void>) => {
    const end = enter()
    try {
      await next()
    } finally {
      end()
    }
  }
  return app => {
    for (const path of ['/api/v1/series', '/api/v1/labels', '/api/v1/label/*']) app.use(path, bounded)
    app.post('/api/v1/read', async c => {
      // A stream goes on after its answer has begun.
      const end = enter()
      try {
        const options = { querier, snappy, assertAll, onEnd: end, maxSamples: limits.samples }
        const { headers, body } = await remoteRead(await bodyOf(c), options, c.req.raw.signal)
        return c.body(body, 200, headers)
      } catch (error) {
        end()
        if (error instanceof HttpError) throw error
        const code = codeOf(error) ?? ErrorCode.internal
        throw new HttpError(STATUS[code] ?? 500, code, rawMessageOf(error))
      }
    })
    labelApis(app, querier, assertAll)
    app.get('/api/v1/status/buildinfo', c => c.json({ status: 'success', data: BUILD }))
  }
}

/**
 * A block of the view within the query that is not loaded here would make the answer short without a word: it is refused instead.
 *
 * @throws HttpError 503 that names the blocks
 */
function assertComplete({ plan, catalogue, readiness }: Gateway, { matchers, from, to }: Selection): void {
  if (!readiness.ready) throw new HttpError(503, 'not-ready', `not ready: ${readiness.reason}`)
  const loaded = plan.sink.stage.loaded()
  const ready = matchers.map(matcher)
  const missing: string[] = []
  for (const { id, candidate, state, by, reason } of catalogue.all()) {
    if (!candidate || loaded.has(id)) continue
    // What a filter leaves out is not asked for; what ownership leaves out is another gateway's.
    if (state === 'skipped' && by !== OWNED) continue
    if (mayHave(candidate.meta, from, to) && restOf(ready, candidate.meta.labels))
      missing.push(`${id} (${reason || state})`)
  }
  if (missing.length === 0) return
  const shown = missing.slice(0, 5).join(', ')
  const text = `${missing.length} blocks of this time are not loaded here, so the answer would be short: ${shown}`
  throw new HttpError(503, 'incomplete', missing.length > 5 ? `${text}, …` : text)
}

async function bodyOf(c: Context): Promise<Uint8Array> {
  const { headers } = c.req.raw
  const tooLong = new HttpError(413, 'invalid-request', `the body must have <= ${MAX_BODY} bytes`)
  if (Number(headers.get('content-length')) > MAX_BODY) throw tooLong
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of c.req.raw.body ?? []) {
    length += part.length
    if (length > MAX_BODY) throw tooLong
    parts.push(part)
  }
  const body = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    body.set(part, at)
    at += part.length
  }
  return body
}
