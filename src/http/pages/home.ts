/** The first page: what this gateway is, how all blocks are, and what it does now. All its numbers are of one look. */
import { html } from 'hono/html'
import { BLOCK_STATES } from '../../catalogue/catalogue.ts'
import type { ResolvedConfig } from '../../config/config.ts'
import { instant } from '../../contracts/duration.ts'
import type { Host } from '../../contracts/host.ts'
import { bytesText, durationText, timeText } from '../../contracts/text.ts'
import { describeConfig } from '../../explain/describe.ts'
import type { Gateway } from '../../gateway.ts'
import { runsAnswer } from '../answers.ts'
import { lookAt } from '../question.ts'
import type { NextListing } from '../schema/answers.ts'
import type { Status } from '../schema/status.ts'
import { statusOf } from '../status.ts'
import { funnel } from './funnel.ts'
import { facts, layout, type Markup, NONE } from './layout.ts'
import { runsSection } from './runs.ts'

/** As in AppOptions. */
export interface PagesOptions {
  readonly gateway: Gateway
  readonly config: ResolvedConfig
  readonly host: Host
  readonly version: string
  /** When the app was made, in ms since the epoch. */
  readonly startedAt: number
}

export async function homePage({ gateway, config, host, version, startedAt }: PagesOptions): Promise<Markup> {
  const { instance, bucket, everyMs, interval, stages } = describeConfig(config)
  const status = await statusOf(gateway, host)
  const { runs } = runsAnswer(gateway, host)
  const broken = gateway.health.filter(({ error }) => error !== undefined)
  const { ready, reason, next, states } = status
  const [last] = runs
  const wrong = [
    ...(last?.status === 'failed' && last.error
      ? [`the last run failed: ${last.error.code}: ${last.error.message}`]
      : lookAt(gateway)),
    ...broken.map(({ name, error }) => `${name}: ${error}`),
  ]
  return layout(
    { title: 'Overview', instance: instance.id, at: '/', live: true },
    html`<h1>${instance.id}</h1>
${wrong.map(what => html`<p class="alarm" role="alert">${what}</p>`)}
<section class="about" aria-label="This gateway">
${facts([
  ['ready', [`${ready ? 'yes' : 'no'}: ${reason}`, ready ? 'ready' : 'waiting']],
  ['zone', instance.zone ?? NONE],
  ['version', version],
  ['up', timeText(Math.max(0, host.now() - startedAt))],
  ['bucket', bucket?.name ?? 'none'],
  ['held', `${status.held.blocks} of ${status.blocks} blocks of the view, ${bytesText(status.held.bytes)}`],
  ['lists the bucket every', interval ? `${interval.name}, at most ${durationText(everyMs)}` : durationText(everyMs)],
  ...nextRows(next, host),
])}
</section>
<section class="about">
<h2>Now</h2>
${nowPart(status, host.now())}
</section>
<section>
<h2>Pipeline</h2>
${funnel(status, stages)}
</section>
<section>
<h2>Blocks by state</h2>
<div class="tiles">
${BLOCK_STATES.map(state => {
  const blocks = states[state] ?? 0
  return html`<a class="tile ${blocks ? state : 'zero'}" href="/blocks?state=${state}"><b>${blocks}</b>${state}</a>`
})}
</div>
</section>
${runsSection(runs)}`,
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

/** The run that goes on: how fast it is, how long it takes still, and what it is at. */
function nowPart({ current, oldest, lastNews, waiting, loading }: Status, now: number): Markup {
  const quiet = lastNews === null ? NONE : `${timeText(Math.max(0, now - lastNews))} ago`
  if (!current) {
    return html`<p>No run goes on. The state of a block changed last: ${quiet}.</p>`
  }
  const { id, reason, seen, done, inFlight, failed, bytes, listing, startedAt } = current
  const ms = Math.max(1, now - startedAt)
  const rate = (done * 1000) / ms
  const left = listing || done === 0 ? undefined : ((seen - done) * ms) / done
  return html`<p>The ${reason} run <span class="mono">${id}</span> goes on: ${done} of ${seen}${listing ? ' or more' : ''} blocks have a verdict.</p>
<progress max="${Math.max(1, seen)}" value="${done}" aria-label="Blocks with a verdict">${done} of ${seen}</progress>
${facts([
  ['since', timeText(ms)],
  ['rate', `${rate.toFixed(rate < 10 ? 1 : 0)} blocks/s, ${bytesText(Math.round((bytes * 1000) / ms))}/s`],
  ['time left', left === undefined ? (listing ? 'not known while it lists' : NONE) : `about ${timeText(left)}`],
  ['loaded', bytesText(bytes)],
  ['failed', [failed, failed > 0 ? 'failed' : '']],
  ['it is at', at(listing, inFlight, loading, waiting)],
  ['last news of a block', quiet],
])}
${
  oldest.length > 0
    ? html`<p>The loads that go on longest:</p><ul>${oldest.map(({ ulid, since }) => html`<li><a class="mono" href="/blocks/${ulid}">${ulid}</a> for ${timeText(Math.max(0, now - since))}</li>`)}</ul>`
    : ''
}`
}

function at(listing: boolean, inFlight: number, loading: number, waiting: number): string {
  const parts = [
    ...(listing ? ['the listing of the bucket'] : []),
    ...(loading > 0 ? [`${loading} loads`] : []),
    ...(inFlight > loading ? [`${inFlight - loading} blocks in the stages before them`] : []),
  ]
  return `${parts.join(', ') || 'its end: hand-overs and drops'}; ${waiting} blocks wait`
}
