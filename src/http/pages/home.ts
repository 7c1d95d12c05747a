/** The first page: what this gateway is, and what it does now. */
import { html } from 'hono/html'
import { BLOCK_STATES } from '../../catalogue/catalogue.ts'
import type { ResolvedConfig } from '../../config/config.ts'
import { instant } from '../../contracts/duration.ts'
import type { Host } from '../../contracts/host.ts'
import { durationText, timeText } from '../../contracts/text.ts'
import { describeConfig, type StageDescription } from '../../explain/describe.ts'
import type { Gateway } from '../../gateway.ts'
import { runsAnswer } from '../answers.ts'
import { lookAt } from '../question.ts'
import type { NextListing, Run } from '../schema/answers.ts'
import { type Cell, facts, layout, type Markup, NONE, table, withNotes } from './layout.ts'

/** As in AppOptions. */
export interface PagesOptions {
  readonly gateway: Gateway
  readonly config: ResolvedConfig
  readonly host: Host
  readonly version: string
  /** When the app was made, in ms since the epoch. */
  readonly startedAt: number
}

const COUNTS = ['seen', 'added', 'unchanged', 'skipped', 'failed', 'dropped', 'retained'] as const
const COLUMNS = {
  ...{ began: 'whole', reason: '', status: '', took: 'n' },
  ...Object.fromEntries(COUNTS.map(name => [name, 'n'])),
}

export function homePage({ gateway, config, host, version, startedAt }: PagesOptions): Markup {
  const { instance, bucket, everyMs, interval, stages } = describeConfig(config)
  const { ready, reason } = gateway.readiness
  const { current, next, runs } = runsAnswer(gateway, host)
  const broken = gateway.health.filter(({ error }) => error !== undefined)
  const counts = gateway.catalogue.counts()
  const now =
    current &&
    html`<p>Now: ${current.reason} run ${current.id}, ${current.done} of ${current.seen}${current.listing ? '+' : ''} blocks, ${current.inFlight} in flight, ${current.failed} failed</p>`
  return layout(
    instance.id,
    true,
    html`<section>
<h1>${instance.id}</h1>
${facts([
  ['zone', instance.zone ?? NONE],
  ['version', version],
  ['up', timeText(Math.max(0, host.now() - startedAt))],
  ['ready', [`${ready ? 'yes' : 'no'}: ${reason}`, ready ? 'ready' : 'waiting']],
  ...lookAt(gateway).map(what => ['look at', [what, 'failed']] as const),
  ['bucket', bucket?.name ?? 'none'],
  ['run every', interval ? `${interval.name}, at most ${durationText(everyMs)}` : durationText(everyMs)],
  ...nextRows(next, host),
  ...broken.map(({ name, error }) => [name, [String(error), 'failed']] as const),
])}
</section>
<section>
<h2>Pipeline</h2>
<ol class="pipeline">
${stages.map(stageItem)}
</ol>
</section>
<section>
<h2>Blocks</h2>
<div class="tiles">
${BLOCK_STATES.map(
  state =>
    html`<a class="tile ${counts[state] ? state : 'zero'}" href="/blocks?state=${state}"><b>${counts[state] ?? 0}</b>${state}</a>`,
)}
</div>
</section>
<section>
<h2>Runs</h2>
${now ?? ''}
${table(COLUMNS, runs.map(row), 'no run has ended yet')}
</section>`,
  )
}

function nextRows(next: NextListing | null, host: Host): (readonly [string, string])[] {
  if (!next) return []
  const { interval, at, why } = next
  return [
    ['interval now', `${timeText(interval.ms)} (${interval.why})`],
    ['next listing', `in ${timeText(Math.max(0, at - host.now()))}, at ${instant(at)} (${why})`],
  ]
}

function stageItem({ name, kind, ownership }: StageDescription): Markup {
  const what = kind === 'set' ? 'set, a barrier' : ownership ? `block, ${ownership.name}` : kind
  return html`<li class="${kind}">${name}<small>${what}</small></li>`
}

function row({ status, startedAt, run, blocks, error, unconfirmed }: Run): Cell[] {
  const notes = [
    ...(error ? [`${error.code}: ${error.message}`] : []),
    ...(unconfirmed > 0 ? [`${unconfirmed} drops need a confirmation`] : []),
    ...(status === 'done' && !run.complete ? ['the view was incomplete'] : []),
  ]
  const state = [withNotes(status, notes), status === 'done' && error ? 'waiting' : status] as const
  return [instant(startedAt), run.reason, state, timeText(run.durationMs), ...COUNTS.map(name => blocks[name])]
}
