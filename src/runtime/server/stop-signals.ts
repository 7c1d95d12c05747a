/** SIGINT and SIGTERM: the first asks the process to stop, the second ends it at once. */

/** 130 for SIGINT, 143 for SIGTERM, as shells count. */
export function signalCode(signal: NodeJS.Signals): number {
  return signal === 'SIGINT' ? 130 : 143
}

export interface StopSignals extends Disposable {
  /** Aborts at the first signal. */
  readonly signal: AbortSignal
  /** The first signal, once it came. */
  readonly caught: NodeJS.Signals | undefined
}

/** Listens until disposed. `onFirst` is told which it was. */
export function stopSignals(onFirst: (signal: NodeJS.Signals) => void): StopSignals {
  const controller = new AbortController()
  let caught: NodeJS.Signals | undefined
  const listener = (signal: NodeJS.Signals) => {
    if (caught !== undefined) process.exit(signalCode(signal))
    caught = signal
    controller.abort(new Error(`stopped by ${signal}`))
    onFirst(signal)
  }
  process.on('SIGINT', listener)
  process.on('SIGTERM', listener)
  return {
    signal: controller.signal,
    get caught() {
      return caught
    },
    [Symbol.dispose]() {
      process.off('SIGINT', listener)
      process.off('SIGTERM', listener)
    },
  }
}
