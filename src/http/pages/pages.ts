/** The routes of the pages, and what an error looks like there. */
import { type Context, Hono } from 'hono'
import { html } from 'hono/html'
import type { ResolvedConfig } from '../../config/config.ts'
import type { HttpError } from '../errors.ts'
import { Events } from '../events.ts'
import { requestSpan } from '../request-spans.ts'
import { blocksQuery, DEFAULT_LIMIT } from '../requests.ts'
import { timelineAnswer } from '../timeline.ts'
import { blockPage } from './block.ts'
import { blocksPage, ROWS } from './blocks.ts'
import { homePage, type PagesOptions } from './home.ts'
import { layout } from './layout.ts'
import { ringPage } from './ring.ts'
import { LIVE } from './scripts/live.ts'
import { TIMELINE } from './scripts/timeline.ts'
import { ICON, STYLE } from './style.ts'

/** What `createApp({ pages })` takes. A Worker that must stay small does without. */
export interface Pages {
  routes(options: PagesOptions): Hono
  /** For somebody who looks at it, with the status of the error. */
  problem(c: Context, config: Pick<ResolvedConfig, 'instance'>, error: HttpError): Response | Promise<Response>
}

export const pages: Pages = { routes, problem }

function routes(options: PagesOptions): Hono {
  const { gateway, host, config } = options
  const { id } = config.instance
  const app = new Hono()
  app.get('/', async c => c.html(await homePage(options)))
  app.get('/blocks', async c => c.html(await blocksPage(id, gateway, host, blocksQuery(c.req.queries(), ROWS))))
  app.get('/blocks/:ulid', c => c.html(blockPage(gateway, host, config, c.req.param('ulid'))))
  app.get('/ring', async c => c.html(await ringPage(id, gateway, host)))
  // What the scripts ask for; a Worker without pages does not carry them.
  app.get('/api/v1/timeline', requestSpan('/api/v1/timeline', 'asked'), async c =>
    c.json(await timelineAnswer(gateway, host, blocksQuery(c.req.queries(), DEFAULT_LIMIT))),
  )
  const events = new Events(gateway, host)
  app.get('/api/v1/events', c => events.answer(c))
  const file = (path: string, type: string, text: string) =>
    app.get(path, c => c.body(text, 200, { 'content-type': `${type}; charset=utf-8` }))
  file('/style.css', 'text/css', STYLE)
  file('/icon.svg', 'image/svg+xml', ICON)
  file('/live.js', 'text/javascript', LIVE)
  file('/timeline.js', 'text/javascript', TIMELINE)
  return app
}

function problem(
  c: Context,
  { instance }: Pick<ResolvedConfig, 'instance'>,
  error: HttpError,
): Response | Promise<Response> {
  const { status, code, message, headers } = error
  const page = layout(
    { title: `${status} ${code}`, instance: instance.id },
    html`<h1>${status}: ${code}</h1>
<p class="alarm" role="alert">${message}</p>
<p><a href="/">To the overview</a> · <a href="/blocks">To the blocks</a></p>`,
  )
  return c.html(page, status, headers)
}
