/** The page of one block: whether it is served here, or why not; who has it; its way through the stages; and its life. */
import { html } from 'hono/html'
import type { ResolvedConfig } from '../../config/config.ts'
import type { Host } from '../../contracts/host.ts'
import { bytesText, timeText } from '../../contracts/text.ts'
import { describeConfig } from '../../explain/describe.ts'
import type { Gateway } from '../../gateway.ts'
import { blockAnswer } from '../answers.ts'
import type { BlockDetails, Event } from '../schema/answers.ts'
import { labelsOf, time } from './blocks.ts'
import { type Cell, facts, layout, type Markup, NONE, table, withNotes, yesNo } from './layout.ts'

const OWNERS = { rank: 'n', member: 'mono', 'is to hold it': '', up: '', 'serves it': '' }
const STAGES = { stage: 'stage', verdict: '', why: 'long', took: 'n' }
const LIFE = { at: 'whole', what: '', by: '', reason: 'long', when: 'wide', for: 'n', run: 'mono', trace: 'mono' }

/** States in which the sink holds the block. */
const HELD: ReadonlySet<string> = new Set(['serving', 'pending-hand-off', 'last-copy'])

/** @throws HttpError 400 or 404 */
export function blockPage(gateway: Gateway, host: Host, config: ResolvedConfig, id: string): Markup {
  const block = blockAnswer(gateway, id, config)
  const { ulid, state, reason, detail, notes, markers, held } = block
  const instance = config.instance.id
  return layout(
    { title: ulid, instance, at: '/blocks', live: true },
    html`<h1 class="mono">${ulid}</h1>
<p class="verdict ${state}">${verdict(block, instance, host.now())}${elsewhere(block, gateway, instance)}</p>
<section class="about" aria-label="The block">
${facts([
  ['state', [state, state]],
  ['reason', withNotes(reason, detail === null ? [] : [detail])],
  ...notes.map(note => ['wrong', [note, 'notice']] as const),
  ['by', block.by],
  ['since', `${time(block.since)}, ${ago(block.since, host.now())}`],
  ['held', held ? bytesText(held.bytes) : 'no'],
  ['samples from', time(block.minTime)],
  ['to', time(block.maxTime)],
  ['labels', [labelsOf(block), 'mono']],
  ['level', block.level ?? NONE],
  ['resolution', block.resolution ?? NONE],
  ['source', block.source || NONE],
  ['uploaded', time(block.uploaded)],
  ['markers', markers.join(', ') || NONE],
  ['marked for deletion', time(block.deletionTime)],
])}
</section>
<section>
<h2>Owners</h2>
${ownersPart(block, gateway, instance)}
</section>
<section>
<h2>Stages</h2>
${table('Stages', STAGES, stageRows(block, config), NONE)}
</section>
<section>
<h2>Life on ${instance}</h2>
${table('Life', LIFE, lifeRows(block, host.now()), NONE)}
</section>
<p><a href="/api/v1/blocks/${ulid}">As JSON</a></p>`,
  )
}

const ago = (at: number, now: number) => `${timeText(Math.max(0, now - at))} ago`

/** One sentence for somebody who has only this question. */
function verdict({ state, reason, detail, by, since }: BlockDetails, me: string, now: number): string {
  const why = `${reason}${detail === null ? '' : `: ${detail}`}`
  if (HELD.has(state)) {
    return `Served here, ${me}, ${state === 'serving' ? '' : `but ${state} (${why}) `}since ${ago(since, now)}.`
  }
  if (state === 'loading') return `It is being loaded here, ${me}, for ${timeText(Math.max(0, now - since))}.`
  if (state === 'pending') return 'No verdict yet: it waits for its turn in a run.'
  return `Not served here, ${me}: ${by} says ${why}.`
}

/** Who else serves it; the page of each says since when. */
function elsewhere({ ulid, owners }: BlockDetails, gateway: Gateway, me: string): Markup | string {
  const others = (owners ?? []).filter(({ member, serves, live }) => serves && live && member !== me)
  if (others.length === 0) return ''
  const names = others.map(({ member }, i) => html`${i > 0 ? ', ' : ''}${linkTo(member, ulid, gateway)}`)
  return html` ${names} ${others.length === 1 ? 'serves' : 'serve'} it; the page there says since when.`
}

/** The page of the block on another gateway, where its address is known. */
function linkTo(member: string, ulid: string, { plan }: Gateway): Markup | string {
  const { address } = plan.ownership.handover?.members().find(({ id }) => id === member) ?? {}
  if (address === undefined || !/^https?:\/\//.test(address)) return member
  return html`<a href="${address.replace(/\/$/, '')}/blocks/${ulid}" rel="noreferrer">${member}</a>`
}

function ownersPart({ ulid, owners, ownersUnknown }: BlockDetails, gateway: Gateway, me: string): Markup {
  if (!owners) return html`<p class="quiet">${ownersUnknown}</p>`
  const rows = owners.map(({ member, rank, target, live, serves }): Cell[] => {
    const name = withNotes(linkTo(member, ulid, gateway), member === me ? ['this gateway'] : [])
    return [rank + 1, name, yesNo(target), yesNo(live), yesNo(serves)]
  })
  return table('Owners', OWNERS, rows, NONE)
}

/** What each stage said of it last. */
function stageRows({ state, by, reason, detail, history }: BlockDetails, config: ResolvedConfig): Cell[][] {
  const { stages } = describeConfig(config)
  const isHeld = HELD.has(state)
  const stopped =
    isHeld || state === 'loading' || state === 'pending' ? -1 : stages.findIndex(({ name }) => name === by)
  const load = history.findLast(({ loadMs }) => loadMs !== undefined)
  return stages.map(({ name, kind, ownership }, i): Cell[] => {
    const about = html`${name}<small>${kind === 'set' ? 'set, a barrier' : (ownership?.name ?? kind)}</small>`
    const took = kind === 'sink' && load?.loadMs !== undefined ? timeText(load.loadMs) : NONE
    if (state === 'pending' || (stopped !== -1 && i > stopped)) return [about, ['not reached', 'quiet'], NONE, NONE]
    if (i === stopped) return [about, [state, state], withNotes(reason, detail === null ? [] : [detail]), took]
    if (kind === 'sink') return [about, [state, state], isHeld ? reason : NONE, took]
    return [about, ['passed', 'done'], NONE, NONE]
  })
}

/** Each event with how long things stayed so; the bars have one time axis, from the upload until now. */
function lifeRows({ uploaded, history }: BlockDetails, now: number): Cell[][] {
  const first = history[0]?.at ?? now
  const from = Math.min(uploaded ?? first, first)
  const before: Cell[][] =
    uploaded === null || uploaded >= first
      ? []
      : [
          [
            time(uploaded),
            'uploaded',
            NONE,
            NONE,
            span(uploaded, first, 'quiet'),
            timeText(first - uploaded),
            NONE,
            NONE,
          ],
        ]
  const rows = history.map((one, i): Cell[] => {
    const end = history[i + 1]?.at ?? Math.max(now, one.at)
    const { loadMs } = one
    const notes = [
      ...(one.detail === undefined ? [] : [one.detail]),
      ...(loadMs === undefined ? [] : [`the load took ${timeText(loadMs)}`]),
    ]
    const still = i === history.length - 1 ? ', still' : ''
    return [
      ...[time(one.at), one.kind, one.by || NONE, withNotes(one.reason || NONE, notes)],
      ...[span(one.at, end, one.kind), `${timeText(end - one.at)}${still}`, one.run, traceCell(one)],
    ]
  })
  return [...before, ...rows]

  function span(start: number, end: number, name: string): Markup {
    const whole = Math.max(1, now - from)
    const x = ((start - from) / whole) * 100
    const width = Math.max(0.6, ((end - start) / whole) * 100)
    return html`<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect class="${name}" x="${Math.min(x, 99.4).toFixed(2)}" y="0" width="${width.toFixed(2)}" height="10"/></svg>`
  }
}

/** The first characters of an id are enough to tell it from others. */
function traceCell({ traceId, traceUrl }: Event): Markup | string {
  if (traceId === undefined) return NONE
  const short = traceId.slice(0, 8)
  return traceUrl === undefined
    ? html`<span title="${traceId}">${short}</span>`
    : html`<a href="${traceUrl}" rel="noreferrer">${short}</a>`
}
