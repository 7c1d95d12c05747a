/** Points in time for liveness: on both clocks of a host, because each of them may stand still while the other goes on. */
import type { Host } from '../contracts/host.ts'

export interface Mark {
  readonly monotonic: number
  readonly wall: number
}

/** Now, on both clocks. */
export function mark(host: Host): Mark {
  return { monotonic: host.monotonic(), wall: host.now() }
}

/**
 * Milliseconds from `from` to `to`: the larger of both differences. A suspended machine may stop its monotonic clock, and
 * a wall clock may be stepped back.
 */
export function elapsed(from: Mark, to: Mark): number {
  return Math.max(to.monotonic - from.monotonic, to.wall - from.wall)
}
