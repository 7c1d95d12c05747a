/** The page of the members: who is there, and what each serves. */
import { html } from 'hono/html'
import type { Gateway } from '../../gateway.ts'
import { type RingAnswer, type RingMemberAnswer, ringAnswer } from '../answers.ts'
import { HttpError } from '../errors.ts'
import { layout, type Markup } from './layout.ts'
import { bytesText, durationText, yesNo } from './text.ts'

/** Where there are no members, or they cannot be asked now, the page says so. */
export async function ringPage(gateway: Gateway): Promise<Markup> {
  return layout('Ring · blockgate', true, html`<h1>Ring</h1>${await body(gateway)}`)
}

async function body(gateway: Gateway): Promise<Markup> {
  try {
    return ringBody(await ringAnswer(gateway))
  } catch (error) {
    if (!(error instanceof HttpError)) throw error
    return html`<section><p class="quiet">${error.message}</p></section>`
  }
}

function ringBody({ epoch, cause, frozen, members }: RingAnswer): Markup {
  const rules = new Set(members.filter(({ state }) => state !== 'down').map(member => member.rules))
  return html`<section>
<dl>
<dt>epoch</dt><dd>${epoch}</dd>
<dt>last change</dt><dd>${cause || '–'}</dd>
<dt>frozen</dt><dd class="${frozen ? 'notice' : ''}">${frozen ? 'yes: nothing changes hands' : 'no'}</dd>
${rules.size > 1 ? html`<dt>rules</dt><dd class="notice">differ: nothing is released until all live members agree</dd>` : ''}
</dl>
</section>
<section>
<h2>Members</h2>
<table>
<thead><tr><th>member</th><th>zone</th><th>state</th><th>ready</th><th class="n">heartbeat</th><th>placed</th><th>draining</th>
<th class="n">assigned</th><th class="n">serving</th><th class="n">lingering</th><th class="n">pinned</th><th class="n">failed</th><th class="n">size</th></tr></thead>
<tbody>
${members.length > 0 ? members.map(memberRow) : html`<tr><td colspan="13" class="quiet">there is no member</td></tr>`}
</tbody>
</table>
</section>
<p><a href="/api/v1/ring">As JSON</a></p>`
}

function memberRow({
  id,
  zone,
  address,
  state,
  ready,
  heartbeatAge,
  placed,
  draining,
  stats,
}: RingMemberAnswer): Markup {
  const counts = stats && [stats.assigned, stats.serving, stats.pendingHandOff, stats.lastCopy, stats.failed]
  const cells = counts ? [...counts, bytesText(stats.bytes)] : ['–', '–', '–', '–', '–', '–']
  return html`<tr><td class="mono">${id}${address === null ? '' : html`<br><small class="quiet">${address}</small>`}</td>
<td>${zone ?? '–'}</td><td class="${state}">${state}</td><td>${yesNo(ready)}</td><td class="n">${heartbeatAge < Number.MAX_SAFE_INTEGER ? durationText(heartbeatAge) : 'none'}</td><td>${yesNo(placed)}</td><td>${yesNo(draining)}</td>
${cells.map(cell => html`<td class="n">${cell}</td>`)}</tr>`
}
