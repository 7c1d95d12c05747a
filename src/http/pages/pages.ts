/** The routes of the pages. */
import { Hono } from 'hono'
import { blockAnswer } from '../answers.ts'
import { blocksQuery } from '../requests.ts'
import { blockPage, blocksPage, ROWS } from './blocks.ts'
import { homePage, type PagesOptions } from './home.ts'
import { ringPage } from './ring.ts'
import { ICON, STYLE } from './style.ts'

export function pages(options: PagesOptions): Hono {
  const { gateway, host, config } = options
  const app = new Hono()
  app.get('/', c => c.html(homePage(options)))
  app.get('/blocks', async c => c.html(await blocksPage(gateway, host, blocksQuery(c.req.queries(), ROWS))))
  app.get('/blocks/:ulid', c => c.html(blockPage(blockAnswer(gateway, c.req.param('ulid'), config))))
  app.get('/ring', async c => c.html(await ringPage(gateway)))
  app.get('/style.css', c => c.body(STYLE, 200, { 'content-type': 'text/css; charset=utf-8' }))
  app.get('/icon.svg', c => c.body(ICON, 200, { 'content-type': 'image/svg+xml' }))
  return app
}
