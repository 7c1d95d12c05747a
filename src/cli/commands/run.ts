/** `blockgate run`: the gateway as a service, until a signal. */
import { codeOf, ErrorCode, rawMessageOf } from '../../errors.ts'
import type { Log } from '../../host.ts'
import type { RunProgress } from '../../run.ts'
import { showProgress } from '../../runtime/terminal.ts'
import type { Command, Io } from '../command.ts'
import { ExitCode } from '../exit.ts'
import { type Session, withGateway } from '../session.ts'

export const run: Command = {
  name: 'run',
  summary: 'run the gateway until SIGTERM or SIGINT',
  options: ['config'],
  details: [
    'Makes run after run, as often as the config says, and keeps what it loaded. The log goes to stderr: lines of JSON, or',
    'lines for a person on a terminal. A run that fails is retried; after the start nothing but a signal ends the process.',
    "At SIGINT or SIGTERM runs stop, adds in flight may finish within the config's stopGrace, spans are sent, and it exits",
    'with 0; a second signal ends at once.',
  ].join('\n'),
  examples: [
    'blockgate run',
    'OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 blockgate run --config prod.config.ts',
  ],
  run: (args, io) => withGateway(args, io, { verbose: true }, session => serve(session, io)),
}

async function serve({ path, config, gateway, host, screen, stop }: Session, io: Io): Promise<number> {
  const { log } = host
  log.info('gateway starting', { config: path, instance: config.instance.id, dir: config.dir, everyMs: config.everyMs })
  surviveStrays(log)
  const onPlain = ({ reason, ...progress }: RunProgress) => log.info(`${reason} run goes on`, progress)
  const progress = showProgress(gateway, { output: screen, host, env: io.env, onPlain })
  try {
    const first = gateway.start()
    // What serves the gateway over HTTP starts here: before the first run has ended, so that it can tell how far that is.
    await first.catch((error: unknown) => {
      if (stop.caught === undefined || codeOf(error) !== ErrorCode.stopped) throw error
    })
    await aborted(stop.signal)
  } finally {
    progress[Symbol.dispose]()
  }
  return ExitCode.ok
}

/** A plugin's promise that nobody awaits must not end what serves thousands of blocks. */
function surviveStrays(log: Log): void {
  const tell = (message: string) => (error: unknown) => {
    log.error(message, { error: rawMessageOf(error), stack: error instanceof Error ? error.stack : undefined })
  }
  process.on('unhandledRejection', tell('a promise was rejected, and nobody awaited it'))
  process.on('uncaughtException', tell('an error was thrown, and nobody caught it'))
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
