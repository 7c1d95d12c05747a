/** Who is to hold a block, and who has it, as lines. */
import type { Owner, RingMember } from '../contracts/ownership.ts'
import { type Painter, visible } from '../runtime/terminal/text.ts'
import { table } from './text.ts'

/** `members`: what the member store says of them, where it was asked. */
export function ownersText(
  owners: readonly Owner[],
  members: readonly RingMember[] | undefined,
  me: string,
  paint: Painter,
): string[] {
  const shown = owners.filter(({ member, target, serves }) => target || serves || member === me)
  const serving = owners.filter(({ live, serves }) => live && serves).map(({ member }) => visible(member))
  const rows = shown.map(({ member, rank, target, live, serves }) => [
    String(rank + 1),
    member,
    members?.find(({ id }) => id === member)?.zone ?? '-',
    target ? 'owner' : '-',
    live ? 'up' : 'down',
    serves ? 'serves it' : '-',
  ])
  return [
    'by rank',
    ...table(rows, '  '),
    visible(whyOf(owners, members, me)),
    serving.length > 0 ? paint.green(`served by ${serving.join(', ')}`) : paint.red('served by nobody'),
  ]
}

function whyOf(owners: readonly Owner[], members: readonly RingMember[] | undefined, me: string): string {
  if (owners.some(({ member, target }) => target && member === me)) return `${me} is to hold it`
  const mine = members?.find(({ id }) => id === me)
  if (members && !mine) return `${me} is no member: it is to hold nothing`
  if (mine?.draining) return `${me} drains: it is to hold nothing`
  const targets = owners.filter(({ target }) => target).map(({ member }) => member)
  return `${me} is not to hold it: ${targets.length > 0 ? `${targets.join(', ')} came first` : 'nobody is'}`
}
