/** The HTTP side of a gateway, for any runtime that speaks `fetch`. */
import { trace } from '@opentelemetry/api'
import { type Context, Hono, type MiddlewareHandler } from 'hono'
import { etag } from 'hono/etag'
import { methodNotAllowed } from 'hono/method-not-allowed'
import { secureHeaders } from 'hono/secure-headers'
import type { ResolvedConfig } from '../config/config.ts'
import { rawMessageOf } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'
import { OperatorAttribute } from '../contracts/operator-telemetry.ts'
import type { Gateway } from '../gateway.ts'
import { blockAnswer, blocksAnswer, isOfOld, notifyAnswer, ringAnswer, runsAnswer } from './answers.ts'
import { answerError, HttpError } from './errors.ts'
import { type MetricsTexts, metricsAnswer } from './metrics.ts'
import { noticesOf } from './notices.ts'
import { prefixOf } from './notified.ts'
import type { Pages } from './pages/pages.ts'
import { lookAt, question } from './question.ts'
import { type CheckPassword, readAccess } from './read-access.ts'
import { requestSpan } from './request-spans.ts'
import { blocksQuery, DEFAULT_LIMIT, notification, syncRequest } from './requests.ts'
import { openApi } from './schema/openapi.ts'
import { servingAnswer, servingBody } from './serving.ts'
import { writeAccess } from './write-access.ts'

export interface AppOptions {
  readonly gateway: Gateway
  /** The config of the gateway: its instance, and the token of the routes that change something. */
  readonly config: ResolvedConfig
  readonly host: Host
  readonly version: string
  /** What /metrics answers; without it there is no such route. */
  readonly metrics?: MetricsTexts | undefined
  /**
   * The address of who sent a request, from the socket and never from a header. Without it, or where it is undefined,
   * nobody counts as being on this machine.
   */
  readonly peerOf?: ((c: Context) => string | undefined) | undefined
  /** The pages that people look at: `pages` of blockgate/http. Default: there are none, and errors are always JSON. */
  readonly pages?: Pages | undefined
  /** Adds the routes of queries: see queryRoutes. Default: there are none. */
  readonly queries?: ((app: Hono) => void) | undefined
  /** Users, beside the tokens of the config. Default: there are none. */
  readonly password?: CheckPassword | undefined
  /** Compresses texts that may be large: metrics, pages, lists. Default: they go as they are, as where the platform compresses. */
  readonly compress?: MiddlewareHandler | undefined
  /** Called with work that goes on after its answer, where a runtime must be told to wait for it. */
  readonly background?: ((c: Context, work: Promise<unknown>) => void) | undefined
}

/** A browser runs no script but those that are routes here, whatever a label or a reason holds. Styles and the icon are routes, too. */
const HEADERS = {
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    connectSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'"],
    formAction: ["'self'"],
    baseUri: ["'none'"],
    frameAncestors: ["'none'"],
  },
  xFrameOptions: 'DENY',
  strictTransportSecurity: false,
}

const TEXTS = ['blocks', 'blocks/*', 'timeline', 'runs', 'ring', 'openapi.json'].map(path => `/api/v1/${path}`)
const COMPRESSED = ['/', '/metrics', '/blocks', '/blocks/*', '/ring', ...TEXTS]

/** Nothing is started. @example const app = createApp({ gateway, config, host, version }); await app.request('/-/ready') */
export function createApp(options: AppOptions): Hono {
  const { gateway, config, host, version, metrics } = options
  const app = new Hono()
  app.use(secureHeaders(HEADERS))
  app.use(async (c, next) => {
    await next()
    if (!c.res.headers.has('cache-control')) c.res.headers.set('cache-control', 'no-store')
  })
  const { token, readToken } = config
  const { password } = options
  if (password || readToken !== undefined) {
    app.use(readAccess({ password, tokens: [token, readToken].filter(it => it !== undefined) }))
  }
  const answered = (c: Context, error: HttpError) =>
    options.pages && isForPeople(c) ? options.pages.problem(c, config, error) : answerError(c, error)
  const onMethodNotAllowed = (c: Context, methods: readonly string[]) => {
    const allow = { allow: methods.join(', ') }
    return answered(c, new HttpError(405, 'method-not-allowed', `the method must be ${methods.join(' or ')}`, allow))
  }
  if (options.compress) for (const path of COMPRESSED) app.use(path, options.compress)
  app.use(methodNotAllowed({ app, onMethodNotAllowed }))
  app.notFound(c => answered(c, new HttpError(404, 'not-found', `there is nothing at ${c.req.path}`)))
  app.onError((error, c) => {
    if (error instanceof HttpError) return answered(c, error)
    host.log.error('a request failed', { path: c.req.path, error: rawMessageOf(error), stack: error.stack })
    return answered(c, new HttpError(500, 'internal', 'the request failed; the log says why'))
  })

  app.get('/-/healthy', c => {
    const { fault } = gateway
    if (fault === undefined) return c.text('healthy\n')
    throw new HttpError(503, 'unhealthy', `run after run a call that must not throw throws: ${fault}`)
  })
  app.get('/-/ready', c => {
    const { ready, partial, reason } = gateway.readiness
    if (ready) return c.text(['ready', ...(partial ? [reason] : []), ...lookAt(gateway), ''].join('\n'))
    const asked = question(gateway)
    throw new HttpError(503, 'not-ready', asked ? `${reason}; ${asked}` : reason)
  })
  if (metrics) app.get('/metrics', c => metricsAnswer(c, metrics))

  app.get('/api/v1/openapi.json', c => c.json(openApi(version)))
  for (const route of ['blocks', 'blocks/:ulid', 'ring', 'serving', 'runs'].map(path => `/api/v1/${path}`)) {
    app.get(route, requestSpan(route, 'asked'))
  }
  app.get('/api/v1/blocks', async c =>
    c.json(await blocksAnswer(gateway, host, blocksQuery(c.req.queries(), DEFAULT_LIMIT))),
  )
  app.get('/api/v1/blocks/:ulid', c => c.json(blockAnswer(gateway, c.req.param('ulid'), config)))
  app.get('/api/v1/ring', async c => c.json(await ringAnswer(gateway)))
  // Asked again and again, of every gateway: mostly nothing has changed.
  app.get('/api/v1/serving', etag(), async c =>
    c.body(servingBody(await servingAnswer(gateway, host), host), 200, { 'content-type': 'application/json' }),
  )
  app.get('/api/v1/runs', c => c.json(runsAnswer(gateway, host)))
  const mayWrite = writeAccess({ token, peerOf: options.peerOf })
  app.post(
    '/api/v1/sync',
    mayWrite,
    requestSpan('/api/v1/sync', 'always', { [OperatorAttribute.action]: 'sync' }),
    async c => {
      const request = await syncRequest(c.req.raw)
      trace.getActiveSpan()?.setAttribute(OperatorAttribute.confirmDrops, request.confirmDrops === true)
      if (gateway.readiness.stopping) throw new HttpError(503, 'stopped', 'the gateway is stopping')
      // Its end is in the log, in the metrics and at /api/v1/runs.
      const run = gateway.sync(request).catch((error: unknown) => {
        host.log.error('a run that was asked for did not begin', { error: rawMessageOf(error) })
      })
      options.background?.(c, run)
      return c.json({ accepted: { reason: 'manual', confirmDrops: request.confirmDrops === true } }, 202)
    },
  )
  app.post('/api/v1/notify', mayWrite, requestSpan('/api/v1/notify', 'asked'), async c => {
    const notified = await notification(c.req.raw, prefixOf(config.bucket))
    const answer = notifyAnswer(gateway, notified)
    const all = isOfOld(gateway, notified, host.now())
    if (gateway.readiness.stopping) throw new HttpError(503, 'stopped', 'the gateway is stopping')
    const notices = noticesOf(gateway, host)
    if (answer.accepted.blocks === 0) return c.json(answer, 202)
    const { background } = options
    // A runtime that must be told of work has no timers that outlive a request.
    if (!background) notices.ask('notification', all)
    else
      background(
        c,
        gateway.sync({ reason: 'notification', all }).catch(() => {}),
      )
    return c.json({ ...answer, due: notices.due ? Math.round(notices.due.at) : null }, 202)
  })
  options.queries?.(app)
  if (options.pages) app.route('/', options.pages.routes({ ...options, startedAt: host.now() }))
  return app
}

/** Somebody looks at it in a browser; who asks the API has JSON in any case. */
function isForPeople(c: Context): boolean {
  return !c.req.path.startsWith('/api/') && /\btext\/html\b/.test(c.req.header('accept') ?? '')
}
