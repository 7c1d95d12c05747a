/** The last runs: a small picture of each beside the others, and a table. */
import { html } from 'hono/html'
import { instant } from '../../contracts/duration.ts'
import { timeText } from '../../contracts/text.ts'
import type { Run } from '../schema/answers.ts'
import { type Cell, type Markup, table, withNotes } from './layout.ts'

const COUNTS = ['seen', 'added', 'unchanged', 'skipped', 'failed', 'dropped', 'retained'] as const
const COLUMNS = {
  ...{ began: 'whole', reason: '', status: '', took: 'n' },
  ...Object.fromEntries(COUNTS.map(name => [name, 'n'])),
}
/** From bottom to top. */
const STACK = ['unchanged', 'added', 'skipped', 'failed'] as const
const HEIGHT = 60

/** `runs`: newest first. */
export function runsSection(runs: readonly Run[]): Markup {
  return html`<section>
<h2>Last runs</h2>
${runs.length > 0 ? pictures([...runs].reverse()) : ''}
${table('Runs', COLUMNS, runs.map(row), 'no run has ended yet')}
<p class="quiet">A count is of a run, as it was at its end; a state, above, is of a block now. A block whose meta.json is broken counts as failed in each run, and is partial.</p>
</section>`
}

/** Oldest first: the blocks that each run saw, by what became of them, and how long it took. */
function pictures(runs: readonly Run[]): Markup {
  const most = Math.max(1, ...runs.map(({ blocks }) => blocks.seen))
  const longest = Math.max(1, ...runs.map(({ run }) => run.durationMs))
  return html`<div class="runs" aria-hidden="true">
${runs.map(one => {
  let y = HEIGHT
  const rects = STACK.map(name => {
    const height = (one.blocks[name] / most) * HEIGHT
    y -= height
    return height > 0
      ? html`<rect class="${name}" x="0" y="${y.toFixed(2)}" width="16" height="${height.toFixed(2)}"/>`
      : ''
  })
  const took = Math.max(0.5, (one.run.durationMs / longest) * 16)
  return html`<svg class="${isWrong(one) ? 'wrong' : ''}" viewBox="0 0 16 68"><title>${instant(one.startedAt)} ${one.run.reason} ${one.status}: ${one.blocks.seen} blocks in ${timeText(one.run.durationMs)}</title>${rects}<rect class="took" x="0" y="63" width="${took.toFixed(2)}" height="4"/></svg>`
})}
</div>
<p class="quiet key"><span class="unchanged">unchanged</span> <span class="added">added</span> <span class="skipped">skipped</span> <span class="failed">failed</span> and, below, how long each took</p>`
}

/** A run whose listing broke off has told of no block that is gone; that is no success. */
function isWrong({ status, run }: Run): boolean {
  return status === 'failed' || (status === 'done' && !run.complete && run.restsOn === undefined)
}

function row(one: Run): Cell[] {
  const { status, startedAt, run, blocks, error, unconfirmed } = one
  const notes = [
    ...(error ? [`${error.code}: ${error.message}`] : []),
    ...(unconfirmed > 0 ? [`${unconfirmed} drops need a confirmation`] : []),
    ...(status === 'done' && !run.complete
      ? [`${run.restsOn ? `by ${run.restsOn}` : 'the view was incomplete'}: blocks were added, and none dropped`]
      : []),
  ]
  const word = status === 'done' && error ? (run.complete ? 'done, but' : 'incomplete') : status
  const colour = isWrong(one) ? 'failed' : status === 'done' && error ? 'waiting' : status
  const numbers = COUNTS.map(
    (name): Cell => (name === 'failed' && blocks.failed > 0 ? [blocks.failed, 'n failed'] : blocks[name]),
  )
  const why = run.listed === 'new' ? `${run.reason}, new blocks` : run.reason
  return [instant(startedAt), why, [withNotes(word, notes), colour], timeText(run.durationMs), ...numbers]
}
