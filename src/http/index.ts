/** The HTTP app: health, metrics, the API and its pages. Runs on Node, Deno and Cloudflare Workers. */
export { type AppOptions, createApp } from './app.ts'
export type { MetricsTexts } from './metrics.ts'
export { type Pages, pages } from './pages/pages.ts'
export { openApi } from './schema/openapi.ts'
