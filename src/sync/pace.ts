/** When the bucket is listed next, and why then. */
import { backoffMs } from '../async/backoff.ts'
import type { Host, Instance } from '../contracts/host.ts'
import type { Interval, IntervalController, IntervalReason, Listed } from '../contracts/interval.ts'

/** A fixed interval is stretched or shortened by up to this share, so that gateways do not list in step. */
const JITTER = 0.1

interface Paced {
  readonly everyMs: number
  readonly interval: Interval | undefined
  readonly instance: Instance
}

export class Pace {
  readonly #host: Host
  /** Undefined: the interval is fixed. */
  readonly #controller: IntervalController | undefined
  /** List requests of the bucket, every try, since the last listing ended. */
  requests = 0
  /** The interval now, ms: a run that takes longer lists again. */
  ms: number
  /** Why the next listing comes when it comes. */
  why: IntervalReason = 'fixed'
  /** When that is, ms since the epoch; undefined where none comes by itself. */
  due: number | undefined

  constructor(host: Host, { everyMs, interval, instance }: Paced) {
    this.#host = host
    this.#controller = interval?.create({ host, instance })
    this.ms = interval?.firstMs ?? everyMs
  }

  /** A run that listed has ended, after `failures` of them in a row. Gives the ms until the next one. */
  ended(run: Pick<Listed, 'tookMs' | 'came' | 'ok'>, failures: number): number {
    const host = this.#host
    const now = host.now()
    const next = this.#controller?.next({ ...run, now, monotonic: host.monotonic(), requests: this.requests })
    this.requests = 0
    this.ms = next?.ms ?? this.ms
    this.why = next?.why ?? 'fixed'
    const { ms } = this
    const isRetry = failures > 0 && this.why !== 'budget'
    if (isRetry) this.why = 'failed'
    const wait = isRetry
      ? backoffMs(host, { base: Math.min(1_000, ms), max: ms }, failures)
      : (next?.ms ?? ms * (1 - JITTER + 2 * JITTER * host.random()))
    return wait
  }

  /** Ms that a listing must wait that somebody asks for now. */
  soonest(): number {
    return this.#controller?.soonest?.(this.#host.monotonic()) ?? 0
  }
}
