/** `blockgate ring`: the members, as the member store has them. */
import type { Ring, RingMember } from '../../contracts/ownership.ts'
import { bytesText, countText, spreadText, timeText } from '../../contracts/text.ts'
import { type Painter, visible } from '../../runtime/terminal/text.ts'
import { type Command, print } from '../command.ts'
import { ExitCode } from '../exit.ts'
import { withOperator } from '../observer.ts'
import { table } from '../text.ts'

export const ring: Command = {
  name: 'ring',
  summary: 'show the gateways that know of each other',
  options: ['config', 'json'],
  details: [
    'Asks the member store of the config: the epoch and why it moved last, whether all is frozen, and each member with what it',
    'last said of itself. No gateway need run, and none is disturbed.',
  ],
  examples: ['blockgate ring', 'blockgate ring --json | jq .members'],
  async run(args, io) {
    print(args, io, await withOperator(args, io, ({ operator }) => operator.ring()), text)
    return ExitCode.ok
  },
}

/** By heading, in order. A member that said nothing of itself yet has no stats. */
const COLUMNS: Readonly<Record<string, (member: RingMember) => string | undefined>> = {
  member: ({ id }) => id,
  zone: ({ zone }) => zone,
  state: ({ state }) => state,
  ready: ({ ready }) => yesNo(ready),
  heartbeat: ({ heartbeatAge }) => (heartbeatAge < Number.MAX_SAFE_INTEGER ? timeText(heartbeatAge) : 'none'),
  placed: ({ placed }) => yesNo(placed),
  draining: ({ draining }) => yesNo(draining),
  address: ({ address }) => address,
  assigned: ({ stats }) => stats && countText(stats.assigned),
  serving: ({ stats }) => stats && countText(stats.serving),
  'pending hand-off': ({ stats }) => stats && countText(stats.pendingHandOff),
  'last copy': ({ stats }) => stats && countText(stats.lastCopy),
  failed: ({ stats }) => stats && countText(stats.failed),
  bytes: ({ stats }) => stats && bytesText(stats.bytes),
}

function text({ epoch, cause, frozen, members }: Ring, paint: Painter): string[] {
  const live = members.filter(({ state }) => state !== 'down')
  const fingerprints = new Set(live.map(member => member.fingerprint))
  const spread = spreadText(live.flatMap(({ stats }) => (stats ? [stats.bytes] : [])))
  const notes = [
    ...(frozen ? ['frozen: nothing is released or taken over until `blockgate freeze --off`'] : []),
    ...(fingerprints.size > 1
      ? ['the config fingerprints of the live members differ: nothing is released until they agree']
      : []),
  ]
  const rows = members.map(member => Object.values(COLUMNS).map(of => of(member) ?? '-'))
  const shown = rows.length > 0 ? table([Object.keys(COLUMNS), ...rows]) : ['there is no member']
  const bytes = spread === undefined ? [] : [`bytes: ${spread}`]
  return [`epoch ${epoch}: ${visible(cause)}`, ...bytes, ...notes.map(paint.yellow), '', ...shown]
}

function yesNo(flag: boolean): string {
  return flag ? 'yes' : 'no'
}
