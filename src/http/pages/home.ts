/** The first page: what this gateway is, and what it does now. */
import { html } from 'hono/html'
import type { ResolvedConfig } from '../../config/config.ts'
import type { Host } from '../../contracts/host.ts'
import { type ConfigDescription, describeConfig } from '../../explain/describe.ts'
import type { Gateway } from '../../gateway.ts'
import { type RunAnswer, runsAnswer } from '../answers.ts'
import { STATES } from '../query.ts'
import { lookAt } from '../question.ts'
import { layout, type Markup } from './layout.ts'
import { durationText, timeText } from './text.ts'

/** As in AppOptions. */
export interface PagesOptions {
  readonly gateway: Gateway
  readonly config: ResolvedConfig
  readonly host: Host
  readonly version: string
  /** When the app was made, in ms since the epoch. */
  readonly startedAt: number
}

export function homePage({ gateway, config, host, version, startedAt }: PagesOptions): Markup {
  const described = describeConfig(config)
  const { instance } = described
  const { ready, reason } = gateway.readiness
  const { current, runs } = runsAnswer(gateway)
  const broken = gateway.health.filter(({ error }) => error !== undefined)
  const counts = gateway.catalogue.counts()
  return layout(
    `${instance.id} · blockgate`,
    true,
    html`<section>
<h1>${instance.id}</h1>
<dl>
<dt>zone</dt><dd>${instance.zone ?? '–'}</dd>
<dt>version</dt><dd>${version}</dd>
<dt>up</dt><dd>${durationText(Math.max(0, host.now() - startedAt))}</dd>
<dt>ready</dt><dd class="${ready ? 'ready' : 'waiting'}">${ready ? 'yes' : 'no'}: ${reason}</dd>
${lookAt(gateway).map(what => html`<dt>look at</dt><dd class="failed">${what}</dd>`)}
<dt>bucket</dt><dd>${described.bucket?.name ?? 'none'}</dd>
<dt>run every</dt><dd>${durationText(described.everyMs)}</dd>
${broken.map(({ name, error }) => html`<dt>${name}</dt><dd class="failed">${error}</dd>`)}
</dl>
</section>
<section>
<h2>Pipeline</h2>
<ol class="pipeline">
${described.stages.map(stageItem)}
</ol>
</section>
<section>
<h2>Blocks</h2>
<div class="tiles">
${STATES.map(
  state =>
    html`<a class="tile ${counts[state] ? state : 'zero'}" href="/blocks?state=${state}"><b>${counts[state] ?? 0}</b>${state}</a>`,
)}
</div>
</section>
<section>
<h2>Runs</h2>
${
  current
    ? html`<p>Now: ${current.reason} run ${current.id}, ${current.done} of ${current.seen}${
        current.listing ? '+' : ''
      } blocks, ${current.inFlight} in flight, ${current.failed} failed</p>`
    : ''
}
<table>
<thead><tr><th>began</th><th>reason</th><th>status</th><th class="n">took</th><th class="n">seen</th><th class="n">added</th>
<th class="n">unchanged</th><th class="n">skipped</th><th class="n">failed</th><th class="n">dropped</th><th class="n">retained</th></tr></thead>
<tbody>
${runs.length > 0 ? runs.map(runRow) : html`<tr><td colspan="11" class="quiet">no run has ended yet</td></tr>`}
</tbody>
</table>
</section>`,
  )
}

function stageItem({ name, kind, ownership }: ConfigDescription['stages'][number]): Markup {
  const what = kind === 'set' ? 'set, a barrier' : ownership ? `block, ${ownership.name}` : kind
  return html`<li class="${kind}">${name}<small>${what}</small></li>`
}

function runRow({ status, startedAt, run, blocks, error, unconfirmed }: RunAnswer): Markup {
  const { seen, added, unchanged, skipped, failed, dropped, retained } = blocks
  const notes = [
    ...(error ? [`${error.code}: ${error.message}`] : []),
    ...(unconfirmed > 0 ? [`${unconfirmed} drops need a confirmation`] : []),
    ...(status === 'done' && !run.complete ? ['the view was incomplete'] : []),
  ]
  return html`<tr><td class="whole">${timeText(startedAt)}</td><td>${run.reason}</td><td class="${status === 'done' && error ? 'waiting' : status}">${status}${notes.map(
    note => html`<br><small class="quiet">${note}</small>`,
  )}</td><td class="n">${durationText(run.durationMs)}</td>${[
    seen,
    added,
    unchanged,
    skipped,
    failed,
    dropped,
    retained,
  ].map(n => html`<td class="n">${n}</td>`)}</tr>`
}
