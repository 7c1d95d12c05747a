/** The host that Cloudflare Workers give. */
import type { Host, Log } from '../../contracts/host.ts'
import { webHost } from './web.ts'

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
