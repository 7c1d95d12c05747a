/** The host that Node gives; Deno too, over its Node compatibility. */
import type { Host, Log } from '../contracts/host.ts'
import { webHost } from './host/web.ts'
import { nodeLog } from './node-log.ts'

export { type LockOptions, lockFolder } from './disk/lock.ts'
export { localFiles } from './node-files.ts'
export { type LogOptions, nodeLog } from './node-log.ts'
export { type FileStateOptions, fileState } from './node-state.ts'

export interface NodeHostOptions {
  /** Default: nodeLog(). */
  readonly log?: Log | undefined
}

/**
 * Clocks, timers, randomness and the log of this process. A timer keeps the process alive until it fires or is disposed: a
 * gateway lives on between two runs, and a script ends by itself once its runner is stopped.
 */
export function nodeHost(options: NodeHostOptions = {}): Host {
  return webHost({ nextTurn, log: options.log ?? nodeLog() })
}

/** Measured: Deno reads sockets once in 61 immediates, and Node fires no timer and reads nothing between messages of a channel. */
function nextTurn(): Promise<void> {
  return new Promise(resolve => ('Deno' in globalThis ? setTimeout(resolve, 0) : setImmediate(resolve)))
}
