/** A gateway for the time of one command: its config, log, traces and signals; and everything ended in the end. */
import { linkSignals, orAborted, within } from '../async/signals.ts'
import type { ResolvedConfig } from '../config/config.ts'
import { BlockgateError, ErrorCode, rawMessageOf } from '../contracts/errors.ts'
import type { Host, Log } from '../contracts/host.ts'
import type { Metrics } from '../contracts/metrics.ts'
import { type Gateway, gateway } from '../gateway.ts'
import { fileState, localFiles, lockFolder, nodeHost, nodeLog } from '../runtime/node.ts'
import { type StopSignals, signalCode, stopSignals } from '../runtime/server/stop-signals.ts'
import { Screen } from '../runtime/terminal.ts'
import { setupTracing } from '../runtime/tracing.ts'
import { BLOCKS_FAILED } from '../sync/failure-log.ts'
import type { Args, Io } from './command.ts'
import { CliError, ExitCode } from './exit.ts'
import { loadConfig } from './load-config.ts'
import { overlaidState, readOnlyFiles } from './read-only.ts'

/** What spans that wait for their collector cost a command at its end: little where it is dead. */
const SPANS = { quietMs: 2_000 } as const
/** And a gateway that is told to stop: Kubernetes kills it after a while, however slow the collector is. */
const RUN_SPANS = { quietMs: 5_000, maxMs: 5_000 } as const

const UNLOCK_MS = 2_000
/** A disk that takes longer is told, ms. */
const LONG_MS = 30_000

export interface Session {
  /** Of the config. */
  readonly path: string
  readonly config: ResolvedConfig
  readonly gateway: Gateway
  readonly host: Host
  /** stderr, with the live line. */
  readonly screen: Screen
  readonly stop: StopSignals
}

export interface SessionOptions {
  /** Its name, for whoever finds `dir` in use. */
  readonly command: string
  /** Whether the log tells more than warnings. */
  readonly verbose?: boolean
  /** Somebody only looks: nothing is joined or claimed, and nothing changes on the disk. */
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
  const full = nodeLog({ stream: screen, env: io.env })
  // Which blocks failed stands in the summary of the one run that is made.
  const warn: Log['warn'] = (message, fields) => message !== BLOCKS_FAILED && full.warn(message, fields)
  const log: Log = verbose ? full : { ...full, info() {}, warn }
  const host = nodeHost({ log })
  let made: Gateway | undefined
  using stop = stopSignals(signal => {
    const tell = verbose ? log.info : log.warn
    tell(`${signal}: stopping; a second signal ends at once`, { graceMs: config.stopGraceMs })
    // Its failure is told where it is awaited, below.
    return made?.stop()
  })
  const lock = readOnly
    ? undefined
    : await locked(config, host, command, stop.signal).catch((error: unknown) => {
        if (stop.caught === undefined) throw error
        throw new CliError(verbose ? ExitCode.ok : signalCode(stop.caught), 'stopped before dir was locked')
      })
  // Two on one folder would remove what the other one is loading.
  await using _ = lock && soon(host, lock)
  const tracing = setupTracing(io.env, { log })
  const state = fileState(config.dir, log, { readOnly })
  made = gateway(config, {
    host,
    files: readOnly ? readOnlyFiles(config.dir) : localFiles(config.dir),
    state: readOnly ? overlaidState(state) : state,
    metrics,
    observer: readOnly,
  })
  try {
    return await work({ path, config, gateway: made, host, screen, stop })
  } finally {
    try {
      await made.stop()
    } finally {
      await tracing.shutdown(verbose ? RUN_SPANS : SPANS)
    }
  }
}

/** @throws BlockgateError `dir-in-use`; `start-failed` where the disk does not answer; the reason of `signal` */
async function locked(
  { dir, startTimeoutMs: ms }: ResolvedConfig,
  host: Host,
  command: string,
  signal: AbortSignal,
): Promise<AsyncDisposable> {
  const late = () => new BlockgateError(ErrorCode.startFailed, `dir "${dir}" must answer within ${ms} ms`)
  using link = linkSignals(signal)
  let timers: readonly Disposable[] = []
  const disarm = () => {
    for (const timer of timers) timer[Symbol.dispose]()
  }
  // A wait for a process on another machine is none for the disk.
  const arm = (waitMs: number) => {
    disarm()
    timers = [
      host.setTimer(waitMs + ms, () => link.abort(late())),
      host.setTimer(waitMs + LONG_MS, () => host.log.warn('dir takes long to answer', { dir })),
    ]
  }
  arm(0)
  try {
    const lock = lockFolder(dir, `blockgate ${command}`, host, { signal: link.signal, onWait: arm })
    return await orAborted(lock, link.signal)
  } finally {
    disarm()
  }
}

/** Given back, or not waited for: a disk that does not answer must not keep the process. */
function soon(host: Host, lock: AsyncDisposable): AsyncDisposable {
  const late = () => new Error(`it must be given back within ${UNLOCK_MS} ms`)
  return {
    async [Symbol.asyncDispose]() {
      try {
        await within(host, UNLOCK_MS, undefined, late, Promise.resolve(lock[Symbol.asyncDispose]()))
      } catch (error) {
        host.log.error('the lock of dir was not given back', { error: rawMessageOf(error) })
      }
    },
  }
}
