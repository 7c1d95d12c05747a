/** The pipeline as a funnel: at each stage how many blocks came, how many went on, and what became of the others. */
import { html } from 'hono/html'
import type { StageDescription } from '../../explain/describe.ts'
import type { StageStatus, Status, Stopped } from '../schema/status.ts'
import { bar, type Cell, type Markup, NONE, table } from './layout.ts'

const COLUMNS = { stage: 'stage', 'came in': 'n', 'of all': 'wide', 'went on': 'n', 'stopped here': 'long' }

export function funnel(
  { blocks, waiting, loading, stages, held }: Status,
  described: readonly StageDescription[],
): Markup {
  const rows = stages.map((stage, i) => row(stage, described[i], blocks))
  const without = waiting + loading
  return html`${table('Pipeline', COLUMNS, rows, NONE)}
<p>${blocks} blocks in the view: <b>${held.blocks}</b> are held here, ${blocks - held.blocks - without} were stopped on the way, ${without} have no verdict yet${without > 0 ? ` (${loading} of them load)` : ''}.</p>`
}

function row(
  { name, in: entered, out, stopped }: StageStatus,
  described: StageDescription | undefined,
  all: number,
): Cell[] {
  const { kind = 'block', ownership } = described ?? {}
  const what = kind === 'set' ? 'set, a barrier' : ownership ? `block, ${ownership.name}` : kind
  return [
    html`${name}<small>${what}</small>`,
    entered,
    bar([['went', out], ...stopped.map(one => [one.state, one.blocks] as const)], all),
    out,
    stopped.length === 0 ? NONE : html`${stopped.map(reasonLink)}`,
  ]
}

function reasonLink({ state, reason, blocks }: Stopped): Markup {
  const query = new URLSearchParams(reason === 'other' ? { state } : { state, reason })
  return html`<a class="why ${state}" href="/blocks?${query.toString()}">${blocks} ${state}: ${reason}</a> `
}
