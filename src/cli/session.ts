/** A gateway for the time of one command, with its config, log, traces and signals. At the end all of it is stopped. */
import type { ResolvedConfig } from '../config/config.ts'
import type { Host, LocalFiles, Log } from '../contracts/host.ts'
import type { Metrics } from '../contracts/metrics.ts'
import { type Gateway, gateway, type Platform } from '../gateway.ts'
import { fileState, localFiles, nodeHost, nodeLog } from '../runtime/node.ts'
import { type StopSignals, signalCode, stopSignals } from '../runtime/server/stop-signals.ts'
import { Screen } from '../runtime/terminal.ts'
import { setupTracing } from '../runtime/tracing.ts'
import { BLOCKS_FAILED } from '../sync/run-result.ts'
import type { Args, Io } from './command.ts'
import { lockDir } from './dir-lock.ts'
import { CliError, ExitCode } from './exit.ts'
import { loadConfig } from './load-config.ts'
import { readOnlyPlatform } from './read-only.ts'

/** How long a command waits at its end until its spans are sent: little where the collector does not answer. */
const SPANS = { quietMs: 2_000 } as const
/** The same for `run`: Kubernetes kills it after a while, however slow the collector is. */
const RUN_SPANS = { quietMs: 5_000, maxMs: 5_000 } as const

export interface Session {
  /** Of the config. */
  readonly path: string
  readonly config: ResolvedConfig
  readonly gateway: Gateway
  readonly host: Host
  readonly files: LocalFiles | undefined
  /** stderr, with the live line. */
  readonly screen: Screen
  readonly stop: StopSignals
  /** What the first signal calls from now on, in place of the gateway's stop. It stops the gateway, too. */
  stopBy(stopAll: () => Promise<void>): void
}

export interface SessionOptions {
  /** Its name, for whoever finds `dir` in use. */
  readonly command: string
  /** Whether the log has more than warnings and errors. */
  readonly verbose?: boolean
  /** Whether the command only reads: nothing is joined or claimed, and nothing changes on the disk. */
  readonly readOnly?: boolean
  readonly metrics?: Metrics
}

/** Calls `work` with a gateway that is not started yet. At the first signal the gateway begins to stop. */
export async function withGateway<T>(
  args: Args,
  io: Io,
  { command, verbose = false, readOnly = false, metrics }: SessionOptions,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const { path, config } = await loadConfig(args.config, io)
  const screen = new Screen(io.stderr, io.env)
  const full = nodeLog({ stream: screen, env: io.env, level: args.logLevel, format: args.logFormat })
  // Which blocks failed stands in the summary of the one run that is made.
  const warn: Log['warn'] = (message, fields) => message !== BLOCKS_FAILED && full.warn(message, fields)
  const log: Log = verbose ? full : { ...full, info() {}, warn }
  const host = nodeHost({ log })
  let made: Gateway | undefined
  let stopAll: () => Promise<void> | undefined = () => made?.stop()
  using stop = stopSignals(signal => {
    const tell = verbose ? log.info : log.warn
    tell(`${signal}: stopping; a second signal ends at once`, { graceMs: config.stopGraceMs })
    // The same promise is awaited below: its rejection is reported there.
    return stopAll()
  })
  const lock = async () => {
    try {
      return await lockDir(config, host, command, stop.signal)
    } catch (error) {
      if (stop.caught === undefined) throw error
      throw new CliError(verbose ? ExitCode.ok : signalCode(stop.caught), 'stopped before dir was locked')
    }
  }
  await using _ = readOnly ? undefined : await lock()
  const tracing = setupTracing(io.env, { log, onLost: (spans, reason) => metrics?.spansLost?.(spans, reason) })
  const { dir } = config
  const platform: Platform = readOnly
    ? readOnlyPlatform(dir, host)
    : { host, files: localFiles(dir), state: fileState(dir, log), metrics }
  made = gateway(config, platform)
  try {
    const stopBy: Session['stopBy'] = by => {
      stopAll = by
    }
    return await work({ path, config, gateway: made, host, files: platform.files, screen, stop, stopBy })
  } finally {
    try {
      await made.stop()
    } finally {
      await tracing.shutdown(verbose ? RUN_SPANS : SPANS)
    }
  }
}
