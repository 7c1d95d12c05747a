/** `blockgate freeze`: nothing changes hands, while somebody looks at what is wrong. */
import type { Command } from '../command.ts'
import { ExitCode } from '../exit.ts'
import { withOperator } from '../observer.ts'

export const freeze: Command = {
  name: 'freeze',
  summary: 'let no block change hands, in the whole cluster',
  options: ['config', 'json', 'off'],
  details: [
    'While the cluster is frozen no member gives a block up, none is set down or loses its place, and so nobody takes over.',
    'What is served stays served, and new blocks are loaded. It lasts until --off, also over restarts.',
  ].join('\n'),
  examples: ['blockgate freeze', 'blockgate freeze --off'],
  async run(args, io) {
    const frozen = !args.off
    await withOperator(args, io, ({ operator }) => operator.freeze(frozen))
    if (args.json) io.stdout.write(`${JSON.stringify({ frozen })}\n`)
    else io.stdout.write(frozen ? 'frozen until `blockgate freeze --off`\n' : 'not frozen\n')
    return ExitCode.ok
  },
}
