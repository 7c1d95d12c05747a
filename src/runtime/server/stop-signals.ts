/** SIGINT, SIGTERM, and SIGHUP of a terminal that closes: the first asks the process to stop, the second ends it at once. */
import { constants } from 'node:os'

const STOPPING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** 130 for SIGINT, 143 for SIGTERM, 129 for SIGHUP, as shells count. */
export function signalCode(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}

export interface StopSignals extends Disposable {
  /** Aborts at the first signal. */
  readonly signal: AbortSignal
  /** Resolves at the first signal. */
  readonly stopped: Promise<void>
  /** The first signal, once it came. */
  readonly caught: NodeJS.Signals | undefined
}

/** Listens until disposed. `onFirst` begins to stop things; a promise it gives may reject: whoever awaits the stop sees that. */
export function stopSignals(onFirst: (signal: NodeJS.Signals) => unknown): StopSignals {
  const controller = new AbortController()
  const { promise: stopped, resolve } = Promise.withResolvers<void>()
  let caught: NodeJS.Signals | undefined
  const listener = (signal: NodeJS.Signals) => {
    if (caught !== undefined) exitNow(signalCode(signal), signal)
    caught = signal
    controller.abort(new Error(`stopped by ${signal}`))
    resolve()
    Promise.resolve(onFirst(signal)).catch(() => {})
  }
  for (const signal of STOPPING) process.on(signal, listener)
  return {
    signal: controller.signal,
    stopped,
    get caught() {
      return caught
    },
    [Symbol.dispose]() {
      for (const signal of STOPPING) process.off(signal, listener)
    },
  }
}

/**
 * Ends the process at once, with `code`. `process.exit()` waits for calls to a file system, and one that never returns would
 * hold it up for ever: while there are any, `signal` ends it.
 */
export function exitNow(code: number, signal: NodeJS.Signals = 'SIGKILL'): never {
  if (inFileSystem()) {
    process.emit('exit', code)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  }
  process.exit(code)
}

/** Whether a call to a file system has not returned. On Deno nothing is known of it. */
export function inFileSystem(): boolean {
  return process.getActiveResourcesInfo?.().some(name => name.startsWith('FSReq')) ?? false
}
