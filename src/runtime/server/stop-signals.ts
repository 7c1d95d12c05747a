/** SIGINT, SIGTERM, and SIGHUP of a terminal that closes: the first asks the process to stop, the second ends it at once. */
import { constants } from 'node:os'
import { exitNow } from './exit.ts'

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

/**
 * Listens until disposed. `onFirst` is told which it was; it begins to stop things, and where it gives back a promise, its
 * failure is told to whoever awaits the stop.
 */
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
