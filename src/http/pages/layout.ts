/** What every page has around it. Everything that is put into `html` is escaped. */
import { html } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'

/** A part of a page. */
export type Markup = HtmlEscapedString | Promise<HtmlEscapedString>

/** `refresh`: the page loads itself again, so that what goes on can be watched. */
export function layout(title: string, refresh: boolean, body: Markup): Markup {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${refresh ? html`<meta http-equiv="refresh" content="10">` : ''}
<title>${title}</title>
<link rel="stylesheet" href="/style.css">
<link rel="icon" href="/icon.svg">
</head>
<body>
<header>
<strong>blockgate</strong>
<nav>
<a href="/">Overview</a>
<a href="/blocks">Blocks</a>
<a href="/ring">Ring</a>
<a href="/api/v1/blocks">API</a>
<a href="/api/v1/openapi.json">OpenAPI</a>
<a href="/metrics">Metrics</a>
<a href="/-/ready">Ready</a>
</nav>
</header>
<main>
${body}
</main>
</body>
</html>`
}
