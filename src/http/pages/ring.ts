/** The page of the members: who is there, what each serves, what moves, and what would move if one left. */
import { html } from 'hono/html'
import type { Host } from '../../contracts/host.ts'
import type { HeldSlots } from '../../contracts/ownership.ts'
import { bytesText, spreadText, timeText } from '../../contracts/text.ts'
import type { Gateway } from '../../gateway.ts'
import { ringAnswer } from '../answers.ts'
import { HttpError } from '../errors.ts'
import { type Moves, movesOf } from '../moves.ts'
import type { Ring, RingMember } from '../schema/answers.ts'
import { bar, type Cell, facts, layout, type Markup, NONE, table, withNotes, yesNo } from './layout.ts'

/** Where there are no members, or they cannot be asked now, the page says so. */
export async function ringPage(instance: string, gateway: Gateway, host: Host): Promise<Markup> {
  const body = await ringAnswer(gateway).then(
    async ring => html`${ringBody(ring)}
${movesBody(await movesOf(gateway, host), instance)}
<p><a href="/api/v1/ring">As JSON</a></p>`,
    (error: unknown) => {
      if (!(error instanceof HttpError)) throw error
      return error.code === 'no-ring'
        ? aloneBody(gateway, instance, error.message)
        : html`<p class="alarm" role="alert">${error.message}</p>`
    },
  )
  return layout({ title: 'Ring', instance, at: '/ring', live: true }, html`<h1>Ring</h1>${body}`)
}

/** What a gateway is that knows of no other, and how it would. */
function aloneBody({ plan }: Gateway, instance: string, why: string): Markup {
  const { name } = plan.ownership
  const what =
    name === 'everything'
      ? 'It loads every block that its filters let through.'
      : `Which blocks it loads, ${name} says by itself.`
  return html`<section>
<p><b>${instance}</b> works alone: ${why}. ${what}</p>
<p>For several gateways that share the blocks, and hand them over when one comes or goes, the pipeline has
<code>owned(hashRing({ store: redisStore({ cluster, url }) }))</code> before the sink, or <code>owned(redlock({ … }))</code> for leases;
each gateway has the same config, and an <code>instance.id</code> of its own.</p>
</section>`
}

const COLUMNS = {
  ...{ member: 'mono', zone: '', state: '', ready: '', heartbeat: 'n', placed: '', draining: '' },
  ...{ assigned: 'n', serving: 'n', 'pending hand-off': 'n', 'last copy': 'n', failed: 'n', size: 'n', share: 'share' },
}

function ringBody({ epoch, cause, frozen, members, slots }: Ring): Markup {
  const live = members.filter(({ state }) => state !== 'down')
  const fingerprints = new Set(live.map(member => member.fingerprint))
  const spread = spreadText(live.flatMap(({ stats }) => (stats ? [stats.bytes] : [])))
  const served = live.reduce((sum, { stats }) => sum + (stats?.serving ?? 0), 0)
  return html`<section>
${facts([
  ['epoch', epoch],
  ['last change', cause || NONE],
  ['frozen', frozen ? ['yes: nothing changes hands', 'notice'] : 'no'],
  spread === undefined ? undefined : ['size of members', spread],
  fingerprints.size > 1
    ? ['config', ['differs: nothing is released until all live members have the same', 'notice']]
    : undefined,
])}
</section>
<section>
<h2>Members</h2>
${table(
  'Members',
  COLUMNS,
  members.map(member => row(member, served)),
  'there is no member',
)}
</section>
${slots ? slotsPart(slots) : ''}`
}

const SLOTS = { holder: 'mono', slots: 'n', which: 'long' }

/** Who holds which slots; with several copies a slot has as many holders. */
function slotsPart({ count, holders }: HeldSlots): Markup {
  const by = new Map<string, Set<number>>()
  for (const { slot, holder } of holders) by.set(holder, (by.get(holder) ?? new Set()).add(slot))
  const held = new Set(holders.filter(({ holder }) => holder !== '').map(({ slot }) => slot))
  const rows = [...by].sort(([a], [b]) => (a < b ? -1 : 1))
  return html`<section>
<h2>Slots</h2>
<p>${held.size} of ${count} slots are held.${held.size < count ? ' Blocks of the others have no owner until somebody takes them.' : ''}</p>
${table(
  'Slots',
  SLOTS,
  rows.map(([holder, slots]): Cell[] => [holder || 'given up', slots.size, ranges([...slots].sort((a, b) => a - b))]),
  'nobody holds a slot',
)}
</section>`
}

/** `0–3, 7`; the first 40 of them. */
function ranges(numbers: readonly number[]): string {
  const parts: [number, number][] = []
  for (const n of numbers) {
    const last = parts.at(-1)
    if (last && n === last[1] + 1) last[1] = n
    else parts.push([n, n])
  }
  const shown = parts.slice(0, 40).map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`))
  return shown.join(', ') + (parts.length > 40 ? ` and ${parts.length - 40} more` : '')
}

function row(
  { id, zone, address, state, ready, heartbeatAge, placed, draining, stats }: RingMember,
  all: number,
): Cell[] {
  const heartbeat = heartbeatAge < Number.MAX_SAFE_INTEGER ? timeText(heartbeatAge) : 'none'
  const where =
    address !== null && /^https?:\/\//.test(address)
      ? html`<a href="${address}" rel="noreferrer">${address}</a>`
      : address
  const about = [withNotes(id, where === null ? [] : [where]), zone ?? NONE, [state, state]] as const
  const flags = [yesNo(ready), heartbeat, yesNo(placed), yesNo(draining)]
  if (!stats) return [...about, ...flags, NONE, NONE, NONE, NONE, NONE, NONE, NONE]
  const { assigned, serving, pendingHandOff, lastCopy, failed, bytes } = stats
  const share =
    state === 'down'
      ? NONE
      : html`${bar([['went', serving]], all)}<small>${all === 0 ? 0 : Math.round((serving / all) * 100)} % of the copies</small>`
  return [
    ...about,
    ...flags,
    assigned,
    serving,
    pendingHandOff,
    lastCopy,
    [failed, failed > 0 ? 'n failed' : 'n'],
    bytesText(bytes),
    share,
  ]
}

const MOVES = { from: 'mono', to: 'mono', blocks: 'n' }
const LEAVING = { 'if it leaves': 'mono', 'its blocks': 'n', 'served only there': 'n', 'would be loaded by': 'long' }

function movesBody(moves: Moves | string, instance: string): Markup {
  if (typeof moves === 'string') return html`<section><h2>Moves</h2><p class="quiet">${moves}</p></section>`
  const { looked, all, now, leaving } = moves
  const sample = looked < all ? ` They are of ${looked} blocks, evenly taken from ${all}.` : ''
  return html`<section>
<h2>What moves now</h2>
${table(
  'What moves now',
  MOVES,
  now.map(({ from, to, blocks }): Cell[] => [from || 'the bucket: nobody serves them', to, blocks]),
  'nothing: each owner serves what is its own',
)}
</section>
<section>
<h2>What would move</h2>
${table(
  'What would move',
  LEAVING,
  leaving.map(({ member, blocks, onlyThere, to }): Cell[] => [
    withNotes(member, member === instance ? ['this gateway'] : []),
    blocks,
    onlyThere,
    to.map(one => `${one.member || 'nobody: no other member is up'}: ${one.blocks}`).join(', ') || NONE,
  ]),
  'there is no block with owners',
)}
<p class="quiet">Counted from the blocks that ${instance} has in view, with the next owner by rank; zones may choose another one.${sample}
A member that is drained hands its blocks over first. One that is killed takes those that are served only there with it, until another has loaded them.</p>
</section>`
}
