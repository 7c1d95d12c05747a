/** The label part of Prometheus' HTTP API over the blocks that are loaded here, in its shapes: for Grafana's menus and variables. */
import type { Context, Hono } from 'hono'
import { orAborted } from '../async/signals.ts'
import { BlockgateError, ErrorCode } from '../contracts/errors.ts'
import type { QueryApi } from '../contracts/metrics.ts'
import type { LabelMatcher } from '../query/matchers.ts'
import type { Querier } from '../query/querier.ts'
import type { QueryRun } from '../query/query-run.ts'
import { QueryCode } from '../query/refused.ts'
import { parseSelector } from '../query/selector.ts'
import type { HttpError } from './errors.ts'
import { queryError } from './query-errors.ts'
import type { OpenQuery, QueryService } from './query-service.ts'
import { parentOf } from './request-spans.ts'

interface Asked {
  readonly match: readonly (readonly LabelMatcher[])[]
  readonly from: number
  readonly to: number
  readonly limit: number
}

/** The times that Prometheus takes where none is given. */
const [MIN_TIME, MAX_TIME] = [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]
const LABEL_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/
const MAX_FORM = 1024 * 1024
/** Each is asked of every block. */
const MAX_SELECTORS = 1_000

/** Adds the routes, each by GET and by POST with a form. */
export function labelApis(app: Hono, querier: Querier, service: Pick<QueryService, 'begin' | 'failure'>): void {
  const answered =
    (api: QueryApi, handle: (c: Context, asked: Asked, run: QueryRun) => Promise<readonly unknown[]>) =>
    async (c: Context) => {
      let query: OpenQuery | undefined
      try {
        query = await service.begin(api, c.req.raw.signal, parentOf(c))
        const asked = await orAborted(askedOf(c), query.run.signal)
        if (api === 'series' && asked.match.length === 0) throw invalid('no match[] parameter provided')
        for (const matchers of asked.match.length > 0 ? asked.match : [[]]) query.asks({ ...asked, matchers })
        const data = await handle(c, asked, query.run)
        query.end()
        const warnings = query.run.warnings.map(({ text }) => text)
        const shown = asked.limit > 0 ? data.slice(0, asked.limit) : data
        return c.json({ status: 'success', data: shown, ...(warnings.length > 0 && { warnings }) })
      } catch (error) {
        query?.end(error)
        return failed(c, service.failure(error))
      }
    }
  const series = answered('series', async (_, { match, from, to }, run) => {
    const found = new Map<string, Readonly<Record<string, string>>>()
    for (const matchers of match) {
      for await (const labels of querier.labelSets({ matchers, from, to }, run)) {
        found.set(JSON.stringify(labels), Object.fromEntries(labels))
      }
    }
    return [...found.values()]
  })
  const names = answered('labels', (_, { match, from, to }, run) => querier.labelNames({ match, from, to }, run))
  const values = answered('values', (c, { match, from, to }, run) => {
    return querier.labelValues(c.req.param('name') ?? '', { match, from, to }, run)
  })
  app.on(['GET', 'POST'], '/api/v1/series', series)
  app.on(['GET', 'POST'], '/api/v1/labels', names)
  app.get('/api/v1/label/:name/values', c => {
    const name = c.req.param('name')
    if (!LABEL_NAME.test(name)) return failed(c, queryError(invalid(`invalid label name: ${JSON.stringify(name)}`)))
    return values(c)
  })
}

/** Prometheus' words for kinds of errors, by status. */
const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: 'bad_data',
  422: 'execution',
  429: 'unavailable',
  503: 'unavailable',
}

function failed(c: Context, { status, code, message, headers }: HttpError): Response {
  const errorType = code === QueryCode.timeout ? 'timeout' : (ERROR_TYPES[status] ?? 'internal')
  return c.json({ status: 'error', errorType, error: message }, status, headers)
}

function invalid(message: string): BlockgateError {
  return new BlockgateError(ErrorCode.invalidQuery, message)
}

async function askedOf(c: Context): Promise<Asked> {
  const given = new URL(c.req.url).searchParams
  if (c.req.method === 'POST') {
    const text = await c.req.text()
    if (text.length > MAX_FORM) throw invalid(`a form must have <= ${MAX_FORM} characters`)
    for (const [name, value] of new URLSearchParams(text)) given.append(name, value)
  }
  const selectors = given.getAll('match[]')
  if (selectors.length > MAX_SELECTORS) {
    const must = `there must be at most ${MAX_SELECTORS} match[] parameters: there are ${selectors.length}`
    throw new BlockgateError(ErrorCode.invalidQuery, must)
  }
  return {
    match: selectors.map(parseSelector),
    from: timeOf(given.get('start'), 'start') ?? MIN_TIME,
    to: timeOf(given.get('end'), 'end') ?? MAX_TIME,
    limit: Math.max(0, Math.floor(Number(given.get('limit') ?? 0)) || 0),
  }
}

/** Seconds since the epoch, or RFC 3339. @returns ms */
function timeOf(text: string | null, name: string): number | undefined {
  if (text === null || text === '') return undefined
  const ms = /^-?[\d.]+(e[+-]?\d+)?$/i.test(text) ? Math.round(Number(text) * 1000) : Date.parse(text)
  if (Number.isFinite(ms)) return Math.max(MIN_TIME, Math.min(MAX_TIME, ms))
  throw invalid(`invalid parameter "${name}": cannot parse ${JSON.stringify(text)} to a valid timestamp`)
}
