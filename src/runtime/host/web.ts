/** Hosts on what every runtime has; Cloudflare Workers need no more. */
import type { Host, Log } from '../../contracts/host.ts'
import { jsonLine, type LogLevel } from '../log/json-line.ts'

/** `given` replaces what it names. The default log is a line of JSON for each message, on the console. */
export function webHost(given: Partial<Host> = {}): Host {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    random: () => Math.random(),
    setTimer: (ms, fn) => startTimer(ms, fn),
    nextTurn: () => new Promise(resolve => setTimeout(resolve, 0)),
    ...given,
    log: given.log ?? consoleLog(),
  }
}

/** A host whose timers alone do not keep the process alive. */
export function quietHost(log?: Log): Host {
  return webHost({ ...(log && { log }), setTimer: (ms, fn) => startTimer(ms, fn, unref) })
}

export interface WorkersHostOptions {
  /** Default: a line of JSON for each message, on the console: Workers Logs takes it apart. */
  readonly log?: Log | undefined
}

/**
 * Clocks, timers, randomness and the log of this isolate. Deployed, both clocks stand still while a Worker computes, and
 * go on with its next I/O. A timer belongs to the event in which it is set, and ends with it.
 */
export function workersHost({ log }: WorkersHostOptions = {}): Host {
  let latest = 0
  return webHost({
    // Events that overlap need not see one time.
    monotonic() {
      latest = Math.max(latest, performance.now())
      return latest
    },
    ...(log && { log }),
  })
}

/** Node fires a longer timeout at once. */
const MAX_TIMEOUT = 2 ** 31 - 1

function startTimer(ms: number, fn: () => void, started: (timer: unknown) => void = () => {}): Disposable {
  let timer: ReturnType<typeof setTimeout>
  const wait = (rest: number) => {
    timer =
      rest > MAX_TIMEOUT ? setTimeout(() => wait(rest - MAX_TIMEOUT), MAX_TIMEOUT) : setTimeout(fn, Math.max(0, rest))
    started(timer)
  }
  wait(ms)
  return { [Symbol.dispose]: () => clearTimeout(timer) }
}

/** Node gives an object, Deno a number that only Deno can unref; on workerd there is no process to keep alive. */
function unref(timer: unknown): void {
  const { Deno } = globalThis as { readonly Deno?: { unrefTimer(id: number): void } }
  if (typeof timer === 'number') Deno?.unrefTimer(timer)
  else (timer as { unref?(): void }).unref?.()
}

function consoleLog(): Log {
  const at = (level: LogLevel): Log[LogLevel] => {
    return (message, fields = {}) => console[level](jsonLine(Date.now(), level, message, fields))
  }
  return { info: at('info'), warn: at('warn'), error: at('error') }
}
