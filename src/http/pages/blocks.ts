/** The pages of the blocks: a list with filters, and one block with its history. */
import { html } from 'hono/html'
import { BLOCK_STATES } from '../../catalogue/catalogue.ts'
import { instant } from '../../contracts/duration.ts'
import type { Host } from '../../contracts/host.ts'
import { bytesText, labelsText } from '../../contracts/text.ts'
import type { Gateway } from '../../gateway.ts'
import { blocksAnswer } from '../answers.ts'
import type { BlocksQuery } from '../requests.ts'
import type { BlockDetails, Event } from '../schema/answers.ts'
import { facts, layout, type Markup, NONE, table, withNotes, yesNo } from './layout.ts'

export const ROWS = 200

const LIST = { block: 'mono whole', state: '', reason: '', by: '', from: 'whole', to: 'whole', labels: 'mono long' }
const OWNERS = { rank: 'n', member: 'mono', 'is to hold it': '', up: '', 'serves it': '' }
const HISTORY = { at: 'whole', what: '', by: '', reason: 'long', run: 'mono', trace: 'mono' }

const time = (ms: number | null) => (ms === null ? NONE : instant(ms))
const labelsOf = ({ labels }: Pick<BlockDetails, 'labels'>) => (labels ? labelsText(labels) : NONE)

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

/** The first characters of an id are enough to tell it from others. */
function traceCell({ traceId, traceUrl }: Event): Markup | string {
  if (traceId === undefined) return NONE
  const short = traceId.slice(0, 8)
  return traceUrl === undefined
    ? html`<span title="${traceId}">${short}</span>`
    : html`<a href="${traceUrl}" rel="noreferrer">${short}</a>`
}

export function blockPage(instance: string, block: BlockDetails): Markup {
  const { ulid, state, reason, detail, notes, markers, held, owners } = block
  return layout(
    { title: ulid, instance, at: '/blocks', live: true },
    html`<h1 class="mono">${ulid}</h1>
<section>
${facts([
  ['state', [state, state]],
  ['reason', withNotes(reason, detail === null ? [] : [detail])],
  ...notes.map(note => ['wrong', [note, 'notice']] as const),
  ['by', block.by],
  ['since', time(block.since)],
  ['samples from', time(block.minTime)],
  ['to', time(block.maxTime)],
  ['labels', [labelsOf(block), 'mono']],
  ['level', block.level ?? NONE],
  ['resolution', block.resolution ?? NONE],
  ['source', block.source || NONE],
  ['uploaded', time(block.uploaded)],
  ['markers', markers.join(', ') || NONE],
  ['marked for deletion', time(block.deletionTime)],
  ['held', held ? bytesText(held.bytes) : 'no'],
])}
</section>
<section>
<h2>Owners</h2>
${
  owners
    ? table(
        'Owners',
        OWNERS,
        owners.map(one => [one.rank + 1, one.member, yesNo(one.target), yesNo(one.live), yesNo(one.serves)]),
        NONE,
      )
    : html`<p class="quiet">${block.ownersUnknown}</p>`
}
</section>
<section>
<h2>History</h2>
${table(
  'History',
  HISTORY,
  block.history.map(one => {
    return [
      time(one.at),
      one.kind,
      one.by,
      withNotes(one.reason, one.detail === undefined ? [] : [one.detail]),
      one.run,
      traceCell(one),
    ]
  }),
  NONE,
)}
</section>
<p><a href="/api/v1/blocks/${ulid}">As JSON</a></p>`,
  )
}
