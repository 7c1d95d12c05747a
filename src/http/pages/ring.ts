/** The page of the members: who is there, and what each serves. */
import { html } from 'hono/html'
import { bytesText, timeText } from '../../contracts/text.ts'
import type { Gateway } from '../../gateway.ts'
import { ringAnswer } from '../answers.ts'
import { HttpError } from '../errors.ts'
import type { Ring, RingMember } from '../schema/answers.ts'
import { type Cell, facts, layout, type Markup, NONE, table, withNotes, yesNo } from './layout.ts'

/** Where there are no members, or they cannot be asked now, the page says so. */
export async function ringPage(instance: string, gateway: Gateway): Promise<Markup> {
  const body = await ringAnswer(gateway).then(ringBody, (error: unknown) => {
    if (!(error instanceof HttpError)) throw error
    return html`<section><p class="quiet">${error.message}</p></section>`
  })
  return layout({ title: 'Ring', instance, at: '/ring', live: true }, html`<h1>Ring</h1>${body}`)
}

const COLUMNS = {
  ...{ member: 'mono', zone: '', state: '', ready: '', heartbeat: 'n', placed: '', draining: '' },
  ...{ assigned: 'n', serving: 'n', 'pending hand-off': 'n', 'last copy': 'n', failed: 'n', size: 'n' },
}

function ringBody({ epoch, cause, frozen, members }: Ring): Markup {
  const fingerprints = new Set(members.filter(({ state }) => state !== 'down').map(member => member.fingerprint))
  return html`<section>
${facts([
  ['epoch', epoch],
  ['last change', cause || NONE],
  ['frozen', frozen ? ['yes: nothing changes hands', 'notice'] : 'no'],
  fingerprints.size > 1
    ? ['config', ['differs: nothing is released until all live members have the same', 'notice']]
    : undefined,
])}
</section>
<section>
<h2>Members</h2>
${table('Members', COLUMNS, members.map(row), 'there is no member')}
</section>
<p><a href="/api/v1/ring">As JSON</a></p>`
}

function row({ id, zone, address, state, ready, heartbeatAge, placed, draining, stats }: RingMember): Cell[] {
  const heartbeat = heartbeatAge < Number.MAX_SAFE_INTEGER ? timeText(heartbeatAge) : 'none'
  const about = [withNotes(id, address === null ? [] : [address]), zone ?? NONE, [state, state]] as const
  const flags = [yesNo(ready), heartbeat, yesNo(placed), yesNo(draining)]
  if (!stats) return [...about, ...flags, NONE, NONE, NONE, NONE, NONE, NONE]
  const { assigned, serving, pendingHandOff, lastCopy, failed, bytes } = stats
  return [...about, ...flags, assigned, serving, pendingHandOff, lastCopy, failed, bytesText(bytes)]
}
