/** The host that Node gives; Deno too, over its Node compatibility. */
import type { Host, Log } from '../contracts/host.ts'
import { nodeLog } from './node-log.ts'

export { type LockOptions, lockFolder } from './disk/lock.ts'
export { localFiles } from './node-files.ts'
export { type LogOptions, nodeLog } from './node-log.ts'
export { type FileStateOptions, fileState } from './node-state.ts'

export interface NodeHostOptions {
  /** Default: nodeLog(). */
  readonly log?: Log | undefined
}

/** Node fires a longer timeout at once. */
const MAX_TIMEOUT = 2 ** 31 - 1

/**
 * Clocks, timers, randomness and the log of this process.
 *
 * A timer keeps the process alive until it fires or is disposed. So a gateway lives on between two runs, and a backoff is
 * waited for; a script ends by itself as soon as its runner is stopped, since everything in the engine disposes the timers that
 * it no longer waits for.
 */
export function nodeHost(options: NodeHostOptions = {}): Host {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    random: () => Math.random(),
    setTimer(ms, fn) {
      let timeout: ReturnType<typeof setTimeout>
      const wait = (rest: number) => {
        timeout =
          rest > MAX_TIMEOUT
            ? setTimeout(() => wait(rest - MAX_TIMEOUT), MAX_TIMEOUT)
            : setTimeout(fn, Math.max(0, rest))
      }
      wait(ms)
      return { [Symbol.dispose]: () => clearTimeout(timeout) }
    },
    nextTurn,
    log: options.log ?? nodeLog(),
  }
}

/** Measured: Deno reads sockets once in 61 immediates, and Node fires no timer and reads nothing between messages of a channel. */
function nextTurn(): Promise<void> {
  return new Promise(resolve => ('Deno' in globalThis ? setTimeout(resolve, 0) : setImmediate(resolve)))
}
