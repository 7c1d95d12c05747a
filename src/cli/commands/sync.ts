/** `blockgate sync`: one run. */
import { codeOf, ErrorCode } from '../../contracts/errors.ts'
import { signalCode } from '../../runtime/server/stop-signals.ts'
import { showProgress, summaryText } from '../../runtime/terminal.ts'
import type { RunResult } from '../../sync/run-result.ts'
import type { Args, Command, Io } from '../command.ts'
import { ExitCode } from '../exit.ts'
import { type Session, withGateway } from '../session.ts'

export const sync: Command = {
  name: 'sync',
  summary: 'make one run, and say what became of the blocks',
  options: ['config', 'json', 'confirm-drops', 'log-level', 'log-format'],
  details: [
    'Makes one run of the pipeline and ends. Progress goes to stderr: one live line on a terminal, a line now and then',
    'elsewhere. The summary goes to stdout. A run that would drop more than 10 blocks and more than a fifth of what is',
    'loaded, or all of it, drops none of them, unless --confirm-drops is given. At a signal, adds in flight may finish within',
    "the config's stopGrace; a second signal ends at once.",
  ],
  examples: ['blockgate sync', 'blockgate sync --json | jq .blocks', 'blockgate sync --confirm-drops'],
  run: (args, io) => withGateway(args, io, { command: 'sync' }, session => syncOnce(args, io, session)),
}

async function syncOnce(args: Args, io: Io, { gateway, host, screen, stop }: Session): Promise<number> {
  const progress = showProgress(gateway, { output: screen, host, env: io.env })
  let result: RunResult
  try {
    result = await gateway.sync({ confirmDrops: args.confirmDrops })
  } catch (error) {
    if (stop.caught === undefined || codeOf(error) !== ErrorCode.stopped) throw error
    return signalCode(stop.caught)
  } finally {
    progress[Symbol.dispose]()
  }
  if (args.json) io.stdout.write(`${JSON.stringify(result.summary)}\n`)
  else io.stdout.write(summaryText(result, { output: io.stdout, env: io.env }))
  if (args.json && result.error) {
    io.stderr.write(
      `blockgate: the run ${result.status === 'done' ? 'was done, but' : 'failed:'} ${result.error.message}\n`,
    )
  }
  if (stop.caught !== undefined && result.status === 'stopped') return signalCode(stop.caught)
  return exitCodeOf(result)
}

function exitCodeOf({ status, summary, unconfirmed, error }: RunResult): number {
  if (status !== 'done') return ExitCode.failed
  if (unconfirmed > 0 || summary.blocks.failed > 0) return ExitCode.findings
  if (error?.code === ErrorCode.nothingServed) return ExitCode.nothingServed
  return error ? ExitCode.findings : ExitCode.ok
}
