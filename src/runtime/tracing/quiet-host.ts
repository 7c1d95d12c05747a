/** The runtime's clock and timers, where a timer alone does not keep the process alive. */
import type { Fields, Host, Log } from '../../contracts/host.ts'

/** @param log default: the console */
export function quietHost(log: Log = consoleLog): Host {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    random: () => Math.random(),
    setTimer,
    nextTurn: () => new Promise(resolve => setTimeout(resolve, 0)),
    log,
  }
}

function setTimer(ms: number, fn: () => void): Disposable {
  const timer: unknown = setTimeout(fn, ms)
  // Node gives an object, Deno a number that only Deno can unref; on workerd there is no process to keep alive.
  if (typeof timer === 'object' && timer !== null && 'unref' in timer && typeof timer.unref === 'function') {
    timer.unref()
  } else if (typeof timer === 'number') {
    const { Deno } = globalThis as { Deno?: { unrefTimer(id: number): void } }
    Deno?.unrefTimer(timer)
  }
  return { [Symbol.dispose]: () => clearTimeout(timer as number) }
}

const consoleLog: Log = {
  info: (message: string, fields?: Fields) => console.info(message, fields ?? {}),
  warn: (message: string, fields?: Fields) => console.warn(message, fields ?? {}),
  error: (message: string, fields?: Fields) => console.error(message, fields ?? {}),
}
