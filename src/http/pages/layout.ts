/** What the pages are made of. Everything that is put into `html` is escaped. */
import { html } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'

/** A part of a page. */
export type Markup = HtmlEscapedString | Promise<HtmlEscapedString>
/** What stands in a cell. */
type Value = Markup | string | number
/** With a class of its own, or with that of its column. */
export type Cell = Value | readonly [value: Value, className: string]

/** `refresh`: the page loads itself again, so that a run can be watched. */
export function layout(title: string, refresh: boolean, body: Markup): Markup {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${refresh ? html`<meta http-equiv="refresh" content="10">` : ''}
<title>${title} · blockgate</title>
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

/** Terms and what they are. A row that is undefined is left out. */
export function facts(rows: readonly (readonly [term: string, cell: Cell] | undefined)[]): Markup {
  return html`<dl>
${rows.map(row => row && html`<dt>${row[0]}</dt>${element('dd', row[1], '')}\n`)}</dl>`
}

/** `columns`: each heading with the class of its cells, `n` for numbers. `none` is the only row of a table without rows. */
export function table(
  columns: Readonly<Record<string, string>>,
  rows: readonly (readonly Cell[])[],
  none: string,
): Markup {
  const classes = Object.values(columns)
  const empty = html`<tr><td colspan="${classes.length}" class="quiet">${none}</td></tr>`
  return html`<table>
<thead><tr>${Object.entries(columns).map(([name, of]) => element('th', name, of === 'n' ? of : ''))}</tr></thead>
<tbody>
${rows.length > 0 ? rows.map(row => html`<tr>${row.map((cell, i) => element('td', cell, classes[i] ?? ''))}</tr>\n`) : empty}
</tbody>
</table>`
}

function element(tag: 'dd' | 'td' | 'th', cell: Cell, byDefault: string): Markup {
  const [value, name] = (Array.isArray(cell) ? cell : [cell, byDefault]) as readonly [Value, string]
  return html`<${tag}${name === '' ? '' : html` class="${name}"`}>${value}</${tag}>`
}

/** A value, and what is said of it in small letters beneath. */
export function withNotes(value: Value, notes: readonly Value[]): Markup {
  return html`${value}${notes.map(note => html`<br><small class="quiet">${note}</small>`)}`
}

export function yesNo(flag: boolean): string {
  return flag ? 'yes' : 'no'
}

export const NONE = '–'
