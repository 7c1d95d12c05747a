/** `blockgate run`: the gateway as a service, until a signal. */
import { resolve } from 'node:path'
import { codeOf, ErrorCode, rawMessageOf } from '../../contracts/errors.ts'
import type { Log } from '../../contracts/host.ts'
import type { Service, WebConfig } from '../../runtime/node-server.ts'
import { notifySystemd } from '../../runtime/server/systemd.ts'
import { showProgress } from '../../runtime/terminal.ts'
import type { RunProgress } from '../../sync/run-result.ts'
import type { Command, Io } from '../command.ts'
import { ExitCode } from '../exit.ts'
import { type Session, withGateway } from '../session.ts'

export const run: Command = {
  name: 'run',
  summary: 'run the gateway until SIGTERM, SIGINT or SIGHUP',
  options: ['config', 'web.config.file', 'log-level', 'log-format'],
  details: [
    'Starts the HTTP server where the config says (http), makes run after run, and keeps what it loaded. The log goes to',
    'stderr: lines of JSON, or lines for a person on a terminal. A run that fails is retried; after the start nothing but a',
    'signal ends the process.',
    "At SIGINT, SIGTERM or SIGHUP runs stop, adds in flight may finish within the config's stopGrace, spans are sent, and it",
    'exits with 0; a second signal ends at once.',
  ],
  examples: [
    'blockgate run',
    'OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 blockgate run --config prod.config.ts',
  ],
  async run(args, io) {
    // They take a quarter of a second to load, and only this command needs them.
    const { serveGateway } = await import('../../runtime/node-server.ts')
    const { setupMetrics } = await import('../../runtime/metrics.ts')
    const meters = setupMetrics()
    const { webConfig } = args
    const web = webConfig === undefined ? undefined : await readWeb(resolve(io.cwd, webConfig))
    return withGateway(args, io, { command: 'run', verbose: true, metrics: meters.metrics }, session =>
      serve(session, io, () => serveGateway({ ...session, metrics: meters, web })),
    )
  },
}

async function readWeb(path: string): Promise<WebConfig> {
  const { readWebConfig } = await import('../../runtime/server/web-config.ts')
  return readWebConfig(path)
}

async function serve(session: Session, io: Io, listen: () => Promise<Service>): Promise<number> {
  const { path, config, gateway, host, screen, stop } = session
  const { log } = host
  log.info('gateway starting', { config: path, instance: config.instance.id, dir: config.dir, everyMs: config.everyMs })
  surviveStrays(log)
  const service = await listen()
  // Queries that run may end before the gateway, which they read with, is stopped.
  session.stopBy(() => {
    notifySystemd('STOPPING=1', io.env, log)
    return service.stop()
  })
  const onPlain = ({ reason, ...progress }: RunProgress) => log.info(`${reason} run goes on`, progress)
  const progress = showProgress(gateway, { output: screen, host, env: io.env, onPlain })
  try {
    await gateway.start().catch((error: unknown) => {
      if (stop.caught === undefined || codeOf(error) !== ErrorCode.stopped) throw error
    })
    if (stop.caught === undefined) notifySystemd('READY=1', io.env, log)
    await stop.stopped
  } finally {
    progress[Symbol.dispose]()
    await service.stop()
    log.info('gateway stopped', { signal: stop.caught })
  }
  return ExitCode.ok
}

/** A promise of a plugin that nobody awaits must not end a process that serves thousands of blocks. */
function surviveStrays(log: Log): void {
  const tell = (message: string) => (error: unknown) => {
    log.error(message, { error: rawMessageOf(error), stack: error instanceof Error ? error.stack : undefined })
  }
  process.on('unhandledRejection', tell('a promise was rejected, and nobody awaited it'))
  process.on('uncaughtException', tell('an error was thrown, and nobody caught it'))
}
