/** `blockgate drain`, `freeze` and `forget`: what operators set in the member store. */
import { OperatorAttribute } from '../../contracts/operator-telemetry.ts'
import type { Operator } from '../../contracts/ownership.ts'
import { countOf, timeText } from '../../contracts/text.ts'
import { memberId } from '../args.ts'
import { type Command, print } from '../command.ts'
import { CliError, ExitCode, usageError } from '../exit.ts'
import { withOperator } from '../observer.ts'
import { until } from '../until.ts'

export const drain: Command = {
  name: 'drain',
  summary: 'let a gateway hand over all it serves',
  options: ['config', 'json', 'member', 'wait', 'cancel'],
  details: [
    'The member gets no new block, and serves what it has until others do. The intent is kept in the member store: it survives',
    'a restart of the member, and --cancel takes it back. With --wait the command ends when the member serves nothing, or is',
    'down: use it as a preStop hook. It exits with 1 where there is no such member, or it still serves something when the time',
    'is up.',
  ],
  examples: ['blockgate drain --wait 10m', 'blockgate drain --member gw-2', 'blockgate drain --member gw-2 --cancel'],
  async run(args, io) {
    const { wait, cancel } = args
    if (cancel && wait !== undefined) throw usageError('drain --cancel takes no --wait: there is nothing to wait for')
    const told = await withOperator(args, io, async ({ config, host, operator, act }) => {
      const member = memberId(args.member ?? config.instance.id)
      const attributes = { [OperatorAttribute.member]: member, [OperatorAttribute.on]: !cancel }
      const known = await act('drain', attributes, () => operator.drain(member, !cancel))
      if (!known) throw await noSuchMember(operator, member)
      const serving = await until(
        host,
        wait ?? 0,
        () => servedBy(operator, member),
        count => count === 0,
      )
      return { member, draining: !cancel, serving }
    })
    print(args, io, told, ({ member, draining, serving }) => {
      const blocks = serving === 0 ? 'nothing' : countOf(serving, 'block')
      if (!draining) return [`${member} drains no more`]
      if (serving === 0 || wait === undefined) return [`${member} drains, and serves ${blocks}`]
      return [`${member} still serves ${blocks} after ${timeText(wait)}`]
    })
    return wait !== undefined && told.serving > 0 ? ExitCode.findings : ExitCode.ok
  },
}

export const freeze: Command = {
  name: 'freeze',
  summary: 'let no block change hands, in the whole cluster',
  options: ['config', 'json', 'off'],
  details: [
    'While the cluster is frozen no member gives a block up, and no member is marked unhealthy or evicted: so nobody takes over.',
    'What is served stays served, and new blocks are loaded. It lasts until --off, also over restarts.',
  ],
  examples: ['blockgate freeze', 'blockgate freeze --off'],
  async run(args, io) {
    const frozen = !args.off
    await withOperator(args, io, ({ operator, act }) =>
      act('freeze', { [OperatorAttribute.on]: frozen }, () => operator.freeze(frozen)),
    )
    print(args, io, { frozen }, () => [frozen ? 'frozen until `blockgate freeze --off`' : 'not frozen'])
    return ExitCode.ok
  },
}

export const forget: Command = {
  name: 'forget',
  summary: 'remove a member that is down and will not come back',
  argument: '<id>',
  options: ['config', 'json'],
  details: [
    'Removes the entry and the advertised blocks of a member that is down, so that others take its place at once instead of',
    'after the grace. A member that comes back joins anew. Exits with 1 where there is no such member, or it is up.',
  ],
  examples: ['blockgate forget gw-2'],
  async run(args, io) {
    const member = memberId(args.argument)
    await withOperator(args, io, async ({ operator, act }) => {
      const attributes = { [OperatorAttribute.member]: member }
      const result = await act('forget', attributes, () => operator.forget(member))
      if (result === 'unknown') throw await noSuchMember(operator, member)
      if (result === 'forgotten') return
      const first = `let it hand over with \`blockgate drain --member ${member} --wait 10m\`, stop it, and forget it then`
      throw new CliError(ExitCode.findings, `${member} is up: ${first}`)
    })
    print(args, io, { member, forgotten: true }, () => [`${member} is forgotten`])
    return ExitCode.ok
  },
}

/** An error with exit code 1 that names the members there are. */
async function noSuchMember(operator: Operator, member: string): Promise<CliError> {
  const { members } = await operator.ring()
  const there = members.length === 0 ? 'there is none' : `the members are ${members.map(({ id }) => id).join(', ')}`
  return new CliError(ExitCode.findings, `there is no member ${member}: ${there}`)
}

/** How many blocks a member serves: none where it is down or was forgotten, whatever it advertised before. */
async function servedBy(operator: Operator, id: string): Promise<number> {
  const { members } = await operator.ring()
  const member = members.find(one => one.id === id)
  return !member || member.state === 'down' ? 0 : (await operator.advertised(id)).size
}
