/** The page of all blocks: a list with filters. */
import { html } from 'hono/html'
import { BLOCK_STATES } from '../../catalogue/catalogue.ts'
import { instant } from '../../contracts/duration.ts'
import type { Host } from '../../contracts/host.ts'
import { labelsText } from '../../contracts/text.ts'
import type { Gateway } from '../../gateway.ts'
import { blocksAnswer } from '../answers.ts'
import type { BlocksQuery } from '../requests.ts'
import type { BlockDetails } from '../schema/answers.ts'
import { layout, type Markup, NONE, table } from './layout.ts'

export const ROWS = 200

const LIST = { block: 'mono whole', state: '', reason: '', by: '', from: 'whole', to: 'whole', labels: 'mono long' }

export const time = (ms: number | null): string => (ms === null ? NONE : instant(ms))
export const labelsOf = ({ labels }: Pick<BlockDetails, 'labels'>): string => (labels ? labelsText(labels) : NONE)

export async function blocksPage(instance: string, gateway: Gateway, host: Host, query: BlocksQuery): Promise<Markup> {
  const { blocks, next } = await blocksAnswer(gateway, host, query)
  const { state, reason, label, from, to, limit } = query
  const [first, last] = [from, to].map(ms => (ms === undefined ? '' : instant(ms)))
  const rows = blocks.map(block => [
    html`<a href="/blocks/${block.ulid}">${block.ulid}</a>`,
    [block.state, block.state] as const,
    block.reason,
    block.by,
    time(block.minTime),
    time(block.maxTime),
    labelsOf(block),
  ])
  const chosen = Object.fromEntries(
    Object.entries({ state, reason, label, from: first, to: last }).filter(([, text]) => text),
  ) as Record<string, string>
  const more = new URLSearchParams({ after: next ?? '', limit: String(limit), ...chosen })
  return layout(
    { title: 'Blocks', instance, at: '/blocks', scripts: ['/timeline.js'] },
    html`<h1>Blocks</h1>
<form method="get" action="/blocks">
<select name="state" aria-label="state"><option value="">any state</option>
${BLOCK_STATES.map(name => html`<option value="${name}"${name === state ? html` selected` : ''}>${name}</option>`)}
</select>
<input name="reason" aria-label="reason" placeholder="reason" value="${reason ?? ''}">
<input name="label" aria-label="a part of the labels" placeholder="cluster=&quot;eu&quot;" value="${label ?? ''}">
<input name="from" aria-label="samples from" placeholder="from 2026-10-01" value="${first ?? ''}">
<input name="to" aria-label="samples until" placeholder="to 2026-10-02" value="${last ?? ''}">
<button>Show</button>
</form>
<section class="timeline" hidden>
<div class="tools"><button data-zoom="0.5">Zoom in</button> <button data-zoom="2">Zoom out</button> <button>Show all</button>
<span class="quiet">Drag, or Ctrl and the wheel; keys: arrows, + and −, 0 for all, n and p for a block, Enter to open it. The line below the labels is what is served: where it breaks off there is a gap.</span></div>
<canvas tabindex="0" role="application" aria-label="The blocks on a time axis; the table below has the same" aria-describedby="about-block"></canvas>
<p id="about-block" class="about-block mono" aria-live="polite"> </p>
<p class="quiet key"><span class="serving">serving</span> <span class="loading">loading</span> <span class="skipped">skipped or pending</span> <span class="waiting">partial, pending hand-off or last copy</span> <span class="failed">failed</span></p>
</section>
<section>
${table('Blocks', LIST, rows, 'no such block')}
</section>
${next === null ? '' : html`<p><a href="/blocks?${more.toString()}">More</a></p>`}`,
  )
}
