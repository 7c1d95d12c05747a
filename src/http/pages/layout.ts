/** What the pages are made of. Everything that is put into `html` is escaped. */
import { html } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'

/** A part of a page. */
export type Markup = HtmlEscapedString | Promise<HtmlEscapedString>
/** What stands in a cell. */
type Value = Markup | string | number
/** With a class of its own, or with that of its column. */
export type Cell = Value | readonly [value: Value, className: string]

export interface PageFrame {
  readonly title: string
  /** The id of the gateway: with several of them open, somebody has to tell their tabs apart. */
  readonly instance: string
  /** The path of the menu's entry that the page belongs to. */
  readonly at?: string
  /** The page follows what happens: by events, or where no script runs by loading itself again. */
  readonly live?: boolean
  /** Scripts of this page alone, as paths. */
  readonly scripts?: readonly string[]
}

const MENU = [
  ['/', 'Overview'],
  ['/blocks', 'Blocks'],
  ['/ring', 'Ring'],
  ['/api/v1/blocks', 'API'],
  ['/api/v1/openapi.json', 'OpenAPI'],
  ['/metrics', 'Metrics'],
  ['/-/ready', 'Ready'],
] as const

export function layout({ title, instance, at, live = false, scripts = [] }: PageFrame, body: Markup): Markup {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${live ? html`<noscript><meta http-equiv="refresh" content="10"></noscript>` : ''}
<title>${title} · ${instance} · blockgate</title>
<link rel="stylesheet" href="/style.css">
<link rel="icon" href="/icon.svg">
${[...(live ? ['/live.js'] : []), ...scripts].map(path => html`<script src="${path}" defer></script>\n`)}</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header>
<strong>blockgate</strong><span class="mono">${instance}</span>
<nav aria-label="Pages">
${MENU.map(([path, name]) => html`<a href="${path}"${path === at ? html` aria-current="page"` : ''}>${name}</a>\n`)}</nav>
</header>
<main id="main"${live ? html` data-live` : ''}>
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
  name: string,
  columns: Readonly<Record<string, string>>,
  rows: readonly (readonly Cell[])[],
  none: string,
): Markup {
  const classes = Object.values(columns)
  const empty = html`<tr><td colspan="${classes.length}" class="quiet">${none}</td></tr>`
  // What is wider than the screen is scrolled, also with the keys.
  return html`<div class="scroll" role="region" aria-label="${name}" tabindex="0"><table>
<thead><tr>${Object.entries(columns).map(([name, of]) => html`<th scope="col"${of === 'n' || of === 'wide' ? html` class="${of}"` : ''}>${name}</th>`)}</tr></thead>
<tbody>
${rows.length > 0 ? rows.map(row => html`<tr>${row.map((cell, i) => element('td', cell, classes[i] ?? ''))}</tr>\n`) : empty}
</tbody>
</table></div>`
}

function element(tag: 'dd' | 'td', cell: Cell, byDefault: string): Markup {
  const [value, name] = (Array.isArray(cell) ? cell : [cell, byDefault]) as readonly [Value, string]
  return html`<${tag}${name === '' ? '' : html` class="${name}"`}>${value}</${tag}>`
}

/** A value, and what is said of it in small letters beneath. */
export function withNotes(value: Value, notes: readonly Value[]): Markup {
  return html`${value}${notes.map(note => html`<br><small class="quiet">${note}</small>`)}`
}

/** Parts of a whole beside each other, each in the colour of its class. The numbers stand beside it: nobody has to read the picture. */
export function bar(parts: readonly (readonly [className: string, size: number])[], whole: number): Markup {
  let x = 0
  const rects = parts.map(([name, size]) => {
    const width = whole === 0 ? 0 : (size / whole) * 100
    x += width
    return width === 0
      ? ''
      : html`<rect class="${name}" x="${(x - width).toFixed(2)}" y="0" width="${Math.max(width, 0.4).toFixed(2)}" height="10"/>`
  })
  return html`<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">${rects}</svg>`
}

export function yesNo(flag: boolean): string {
  return flag ? 'yes' : 'no'
}

export const NONE = '–'
