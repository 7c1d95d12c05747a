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
  const { state, reason, limit } = query
  const rows = blocks.map(block => [
    html`<a href="/blocks/${block.ulid}">${block.ulid}</a>`,
    [block.state, block.state] as const,
    block.reason,
    block.by,
    time(block.minTime),
    time(block.maxTime),
    labelsOf(block),
  ])
  const chosen = { ...(state && { state }), ...(reason && { reason }) }
  const more = new URLSearchParams({ after: next ?? '', limit: String(limit), ...chosen })
  return layout(
    { title: 'Blocks', instance, at: '/blocks' },
    html`<h1>Blocks</h1>
<form method="get" action="/blocks">
<select name="state" aria-label="state"><option value="">any state</option>
${BLOCK_STATES.map(name => html`<option value="${name}"${name === state ? html` selected` : ''}>${name}</option>`)}
</select>
<input name="reason" aria-label="reason" placeholder="reason" value="${reason ?? ''}">
<button>Show</button>
</form>
<section>
${table('Blocks', LIST, rows, 'no such block')}
</section>
${next === null ? '' : html`<p><a href="/blocks?${more.toString()}">More</a></p>`}`,
  )
}
