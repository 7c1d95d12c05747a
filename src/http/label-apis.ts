/** The label part of Prometheus' HTTP API over the blocks that are loaded here, in its shapes: for Grafana's menus and variables. */
import type { Context, Hono } from 'hono'
import { BlockgateError, codeOf, ErrorCode, rawMessageOf } from '../contracts/errors.ts'
import type { LabelMatcher } from '../query/matchers.ts'
import type { Querier } from '../query/querier.ts'
import { parseSelector } from '../query/selector.ts'

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

/** Adds the routes, each by GET and by POST with a form. `assertAll` throws where blocks of the time are not here. */
export function labelApis(
  app: Hono,
  querier: Querier,
  assertAll: (query: {
    readonly matchers: readonly LabelMatcher[]
    readonly from: number
    readonly to: number
  }) => void,
): void {
  const answered =
    (handle: (c: Context, asked: Asked) => Promise<readonly unknown[]>, needsMatch = false) =>
    async (c: Context) => {
      try {
        const asked = await askedOf(c)
        if (needsMatch && asked.match.length === 0) return failed(c, 400, 'bad_data', 'no match[] parameter provided')
        for (const matchers of asked.match.length > 0 ? asked.match : [[]]) assertAll({ ...asked, matchers })
        const data = await handle(c, asked)
        return c.json({ status: 'success', data: asked.limit > 0 ? data.slice(0, asked.limit) : data })
      } catch (error) {
        const code = codeOf(error)
        if (code === ErrorCode.invalidQuery) return failed(c, 400, 'bad_data', rawMessageOf(error))
        if (code === ErrorCode.queryTooLarge) return failed(c, 422, 'execution', rawMessageOf(error))
        throw error
      }
    }
  const series = answered(async (c, { match, from, to }) => {
    const found = new Map<string, Readonly<Record<string, string>>>()
    for (const matchers of match) {
      for await (const labels of querier.labelSets({ matchers, from, to }, c.req.raw.signal)) {
        found.set(JSON.stringify(labels), Object.fromEntries(labels))
      }
    }
    return [...found.values()]
  }, true)
  const names = answered((c, { match, from, to }) => querier.labelNames({ match, from, to }, c.req.raw.signal))
  const values = answered((c, { match, from, to }) => {
    return querier.labelValues(c.req.param('name') ?? '', { match, from, to }, c.req.raw.signal)
  })
  app.on(['GET', 'POST'], '/api/v1/series', series)
  app.on(['GET', 'POST'], '/api/v1/labels', names)
  app.get('/api/v1/label/:name/values', c => {
    const name = c.req.param('name')
    if (!LABEL_NAME.test(name)) return failed(c, 400, 'bad_data', `invalid label name: ${JSON.stringify(name)}`)
    return values(c)
  })
}

function failed(c: Context, status: 400 | 422, errorType: string, error: string): Response {
  return c.json({ status: 'error', errorType, error }, status)
}

async function askedOf(c: Context): Promise<Asked> {
  const given = new URL(c.req.url).searchParams
  if (c.req.method === 'POST') {
    const text = await c.req.text()
    if (text.length > MAX_FORM)
      throw new BlockgateError(ErrorCode.invalidQuery, `a form must have <= ${MAX_FORM} characters`)
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
  const must = `invalid parameter "${name}": cannot parse ${JSON.stringify(text)} to a valid timestamp`
  throw new BlockgateError(ErrorCode.invalidQuery, must)
}
