/** `blockgate ring`: the members, as the member store has them. */
import type { Ring, RingMember } from '../../contracts/ownership.ts'
import { bytesText, countText, timeText } from '../../contracts/text.ts'
import { type Painter, painter, visible } from '../../runtime/terminal/text.ts'
import type { Command } from '../command.ts'
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
  ].join('\n'),
  examples: ['blockgate ring', 'blockgate ring --json | jq .members'],
  async run(args, io) {
    const told = await withOperator(args, io, ({ operator }) => operator.ring())
    if (args.json) io.stdout.write(`${JSON.stringify(told)}\n`)
    else io.stdout.write(`${text(told, painter(io.stdout, io.env)).join('\n')}\n`)
    return ExitCode.ok
  },
}

const HEAD = [
  'member',
  'zone',
  'state',
  'ready',
  'heartbeat',
  'placed',
  'draining',
  'address',
  'assigned',
  'serving',
  'pending hand-off',
  'last copy',
  'failed',
  'bytes',
]
const STATS = ['assigned', 'serving', 'pendingHandOff', 'lastCopy', 'failed'] as const

function text({ epoch, cause, frozen, members }: Ring, paint: Painter): string[] {
  const rules = new Set(members.filter(({ state }) => state !== 'down').map(member => member.rules))
  return [
    `epoch ${epoch}: ${visible(cause)}`,
    ...(frozen ? [paint.yellow('frozen: nothing is released or taken over until `blockgate freeze --off`')] : []),
    ...(rules.size > 1
      ? [paint.yellow('the rules of the live members differ: nothing is released until they agree')]
      : []),
    '',
    ...(members.length > 0 ? table([HEAD, ...members.map(row)]) : ['there is no member']),
  ]
}

function row({ id, zone, state, ready, heartbeatAge, placed, draining, address, stats }: RingMember): string[] {
  return [
    id,
    zone ?? '-',
    state,
    ready ? 'yes' : 'no',
    heartbeatAge < Number.MAX_SAFE_INTEGER ? timeText(heartbeatAge) : 'none',
    placed ? 'yes' : 'no',
    draining ? 'yes' : 'no',
    address ?? '-',
    ...STATS.map(name => (stats ? countText(stats[name]) : '-')),
    stats ? bytesText(stats.bytes) : '-',
  ].map(visible)
}
