/** The pages of the blocks: a list with filters, and one block with its history. */
import { html } from 'hono/html'
import type { BlockView } from '../../catalogue/block-view.ts'
import type { Host } from '../../contracts/host.ts'
import type { Gateway } from '../../gateway.ts'
import { type BlockAnswer, blocksAnswer } from '../answers.ts'
import { type BlocksQuery, STATES } from '../query.ts'
import { layout, type Markup } from './layout.ts'
import { bytesText, timeText, yesNo } from './text.ts'

export const ROWS = 200

export async function blocksPage(gateway: Gateway, host: Host, query: BlocksQuery): Promise<Markup> {
  const { blocks, next } = await blocksAnswer(gateway, host, query)
  const { state, reason } = query
  return layout(
    'Blocks · blockgate',
    false,
    html`<h1>Blocks</h1>
<form method="get" action="/blocks">
<select name="state" aria-label="state"><option value="">any state</option>
${STATES.map(name => html`<option value="${name}"${name === state ? html` selected` : ''}>${name}</option>`)}
</select>
<input name="reason" aria-label="reason" placeholder="reason" value="${reason ?? ''}">
<button>Show</button>
</form>
<section>
<table>
<thead><tr><th>block</th><th>state</th><th>reason</th><th>by</th><th>from</th><th>to</th><th>labels</th></tr></thead>
<tbody>
${blocks.length > 0 ? blocks.map(blockRow) : html`<tr><td colspan="7" class="quiet">no such block</td></tr>`}
</tbody>
</table>
</section>
${next === null ? '' : html`<p><a href="/blocks?${nextQuery(query, next)}">More</a></p>`}`,
  )
}

export function blockPage(block: BlockAnswer): Markup {
  return layout(
    `${block.ulid} · blockgate`,
    false,
    html`<h1 class="mono">${block.ulid}</h1>
<section>
<dl>
<dt>state</dt><dd class="${block.state}">${block.state}</dd>
<dt>reason</dt><dd>${block.reason}${block.detail === null ? '' : html`<br><small class="quiet">${block.detail}</small>`}</dd>
${block.notes.map(note => html`<dt>wrong</dt><dd class="notice">${note}</dd>`)}
<dt>by</dt><dd>${block.by}</dd>
<dt>since</dt><dd>${timeText(block.since)}</dd>
<dt>samples from</dt><dd>${timeText(block.minTime)}</dd>
<dt>to</dt><dd>${timeText(block.maxTime)}</dd>
<dt>labels</dt><dd class="mono">${labelsText(block.labels)}</dd>
<dt>level</dt><dd>${block.level ?? '–'}</dd>
<dt>resolution</dt><dd>${block.resolution ?? '–'}</dd>
<dt>source</dt><dd>${block.source || '–'}</dd>
<dt>uploaded</dt><dd>${timeText(block.uploaded)}</dd>
<dt>markers</dt><dd>${block.markers.join(', ') || '–'}</dd>
<dt>marked for deletion</dt><dd>${timeText(block.deletionTime)}</dd>
<dt>held</dt><dd>${block.held ? bytesText(block.held.bytes) : 'no'}</dd>
</dl>
</section>
<section>
<h2>Owners</h2>
${ownersTable(block)}
</section>
<section>
<h2>History</h2>
<table>
<thead><tr><th>at</th><th>what</th><th>by</th><th>reason</th><th>run</th></tr></thead>
<tbody>
${block.history.map(
  ({ at, kind, by, reason, run, detail }) =>
    html`<tr><td class="whole">${timeText(at)}</td><td>${kind}</td><td>${by}</td><td class="long">${reason}${
      detail === undefined ? '' : html`<br><small class="quiet">${detail}</small>`
    }</td><td class="mono">${run}</td></tr>`,
)}
</tbody>
</table>
</section>
<p><a href="/api/v1/blocks/${block.ulid}">As JSON</a></p>`,
  )
}

function ownersTable({ owners, ownersUnknown }: BlockAnswer): Markup {
  if (!owners) return html`<p class="quiet">${ownersUnknown}</p>`
  return html`<table>
<thead><tr><th class="n">rank</th><th>member</th><th>is to hold it</th><th>up</th><th>serves it</th></tr></thead>
<tbody>
${owners.map(
  ({ member, rank, target, live, serves }) =>
    html`<tr><td class="n">${rank + 1}</td><td class="mono">${member}</td><td>${yesNo(target)}</td><td>${yesNo(live)}</td><td>${yesNo(serves)}</td></tr>`,
)}
</tbody>
</table>`
}

function blockRow({ ulid, state, reason, by, minTime, maxTime, labels }: BlockView): Markup {
  return html`<tr>
<td class="mono whole"><a href="/blocks/${ulid}">${ulid}</a></td>
<td class="${state}">${state}</td>
<td>${reason}</td>
<td>${by}</td>
<td class="whole">${timeText(minTime)}</td>
<td class="whole">${timeText(maxTime)}</td>
<td class="mono long">${labelsText(labels)}</td>
</tr>`
}

function labelsText(labels: BlockView['labels']): string {
  if (labels === null) return '–'
  return `{${Object.entries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(', ')}}`
}

function nextQuery({ state, reason, limit }: BlocksQuery, next: string): string {
  const query = new URLSearchParams({ after: next, limit: String(limit) })
  if (state !== undefined) query.set('state', state)
  if (reason !== undefined) query.set('reason', reason)
  return query.toString()
}
