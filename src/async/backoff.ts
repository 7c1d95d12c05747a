/** Exponential backoff with full jitter on its upper half: retries spread out, and none comes at once. */
import type { Host } from '../contracts/host.ts'

export interface Backoff {
  /** First delay, in ms. */
  readonly base: number
  /** Largest delay, in ms. */
  readonly max: number
}

/** The delay before try number `attempt` + 1, in ms: half of it fixed, half random. `attempt` counts from 1. */
export function backoffMs(host: Host, { base, max }: Backoff, attempt: number): number {
  const full = Math.min(max, base * 2 ** (attempt - 1))
  return full / 2 + (full / 2) * host.random()
}
