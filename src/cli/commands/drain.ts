/** `blockgate drain`: a member hands over all that it serves, and then may go. */
import type { Operator } from '../../contracts/ownership.ts'
import { countText, timeText } from '../../contracts/text.ts'
import type { Command } from '../command.ts'
import { CliError, ExitCode, usageError } from '../exit.ts'
import { withOperator } from '../observer.ts'
import { until } from '../until.ts'
import { memberId } from '../values.ts'

export interface Drained {
  readonly member: string
  readonly draining: boolean
  /** Blocks that it still serves; 0 where it is down or forgotten. */
  readonly serving: number
}

export const drain: Command = {
  name: 'drain',
  summary: 'let a gateway hand over all it serves',
  options: ['config', 'json', 'member', 'wait', 'cancel'],
  details: [
    'The member gets no new block, and serves what it has until others do. The intent is kept in the member store: it survives',
    'a restart of the member, and --cancel takes it back. With --wait it ends when the member serves nothing, or is down: what',
    'a preStop hook needs. Exits with 1 where there is no such member, or it still serves something when the time is up.',
  ].join('\n'),
  examples: ['blockgate drain --wait 10m', 'blockgate drain --member gw-2', 'blockgate drain --member gw-2 --cancel'],
  async run(args, io) {
    const { wait, cancel } = args
    if (cancel && wait !== undefined) throw usageError('drain --cancel takes no --wait: there is nothing to wait for')
    const told = await withOperator(args, io, async ({ config, host, operator }): Promise<Drained> => {
      const member = memberId(args.member ?? config.instance.id)
      if (!(await operator.drain(member, !cancel))) throw await noSuchMember(operator, member)
      const ask = () => serving(operator, member)
      return { member, draining: !cancel, serving: await until(host, wait ?? 0, ask, count => count === 0) }
    })
    if (args.json) io.stdout.write(`${JSON.stringify(told)}\n`)
    else io.stdout.write(`${text(told, wait)}\n`)
    return wait !== undefined && told.serving > 0 ? ExitCode.findings : ExitCode.ok
  },
}

/** @returns an error with exit code 1 that names the members there are */
export async function noSuchMember(operator: Operator, member: string): Promise<CliError> {
  const { members } = await operator.ring()
  const ids = members.map(({ id }) => id).join(', ')
  return new CliError(
    ExitCode.findings,
    `there is no member ${member}: ${ids === '' ? 'there is none' : `the members are ${ids}`}`,
  )
}

async function serving(operator: Operator, id: string): Promise<number> {
  const { members } = await operator.ring()
  const member = members.find(one => one.id === id)
  // What a member that is down claimed counts for nobody.
  return !member || member.state === 'down' ? 0 : (await operator.claims(id)).size
}

function text({ member, draining, serving }: Drained, wait: number | undefined): string {
  if (!draining) return `${member} drains no more`
  if (serving === 0) return `${member} drains, and serves nothing`
  const still = `${countText(serving)} ${serving === 1 ? 'block' : 'blocks'}`
  return wait === undefined
    ? `${member} drains, and serves ${still}`
    : `${member} still serves ${still} after ${timeText(wait)}`
}
