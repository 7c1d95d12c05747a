/** `blockgate forget <id>`: a member that will not come back. */
import type { Command } from '../command.ts'
import { CliError, ExitCode } from '../exit.ts'
import { withOperator } from '../observer.ts'
import { memberId } from '../values.ts'
import { noSuchMember } from './drain.ts'

export const forget: Command = {
  name: 'forget',
  summary: 'remove a member that is down and will not come back',
  argument: '<id>',
  options: ['config', 'json'],
  details: [
    'Removes the record and the claims of a member that is down, so that others take its place at once instead of after the',
    'grace. A member that comes back joins anew. Exits with 1 where there is no such member, or it is up.',
  ].join('\n'),
  examples: ['blockgate forget gw-2'],
  async run(args, io) {
    const member = memberId(args.argument)
    await withOperator(args, io, async ({ operator }) => {
      const result = await operator.forget(member)
      if (result === 'unknown') throw await noSuchMember(operator, member)
      if (result === 'alive') throw alive(member)
    })
    if (args.json) io.stdout.write(`${JSON.stringify({ member, forgotten: true })}\n`)
    else io.stdout.write(`${member} is forgotten\n`)
    return ExitCode.ok
  },
}

function alive(member: string): CliError {
  return new CliError(
    ExitCode.findings,
    `${member} is up: let it hand over with \`blockgate drain --member ${member} --wait 10m\`, stop it, and forget it then`,
  )
}
