/** The host that Cloudflare Workers give. */
import type { Host, Log } from '../../contracts/host.ts'
import { jsonLine, type LogLevel } from '../log/json-line.ts'

export interface WorkersHostOptions {
  /** Default: a line of JSON for each message, on the console: Workers Logs takes it apart. */
  readonly log?: Log | undefined
}

/**
 * Clocks, timers, randomness and the log of this isolate. Deployed, both clocks stand still while a Worker computes, and
 * go on with its next I/O: a stage that only computes takes 0 ms. A timer belongs to the event in which it is set, and
 * ends with it.
 */
export function workersHost(options: WorkersHostOptions = {}): Host {
  let latest = 0
  return {
    now: () => Date.now(),
    // Events that overlap need not see one time.
    monotonic() {
      latest = Math.max(latest, performance.now())
      return latest
    },
    random: () => Math.random(),
    setTimer(ms, fn) {
      const timeout = setTimeout(fn, Math.max(0, ms))
      return { [Symbol.dispose]: () => clearTimeout(timeout) }
    },
    nextTurn: () => new Promise(resolve => setTimeout(resolve, 0)),
    log: options.log ?? consoleLog(),
  }
}

function consoleLog(): Log {
  const at = (level: LogLevel): Log[LogLevel] => {
    return (message, fields = {}) => console[level](jsonLine(Date.now(), level, message, fields))
  }
  return { info: at('info'), warn: at('warn'), error: at('error') }
}
