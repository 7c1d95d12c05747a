/** Brings the next listing forward: somebody says that there is something new in the bucket, or a query misses a block. */
import { rawMessageOf } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'
import type { Gateway } from '../gateway.ts'

/** Notifications come in bursts: one listing after two seconds without one, and after ten at the latest. */
const DEBOUNCE_MS = 2_000
const PATIENCE_MS = 10_000
/** A block that queries miss may stay away: they bring a listing at most so often. */
const QUERY_MS = 60_000

export type Why = 'notification' | 'query'

interface Asked {
  /** On the monotonic clock. */
  readonly first: number
  last: number
  /** The wall clock at `last`. */
  at: number
  why: Why
  all: boolean
}

export class Notices {
  readonly #gateway: Gateway
  readonly #host: Host
  #asked: Asked | undefined
  #timer: Disposable | undefined
  #queried = Number.NEGATIVE_INFINITY
  /** The listing that was asked for: ms since the epoch, and why. */
  due: { readonly at: number; readonly why: Why } | undefined

  constructor(gateway: Gateway, host: Host) {
    this.#gateway = gateway
    this.#host = host
  }

  /** Where listings come by themselves; elsewhere nobody would be there when the time has come. `all`: a look at new blocks would not do. */
  ask(why: Why, all = false): void {
    const { pace, readiness } = this.#gateway
    if (pace.due === undefined || readiness.stopping) return
    const now = this.#host.monotonic()
    if (why === 'query') {
      if (now - this.#queried < QUERY_MS) return
      this.#queried = now
    }
    this.#asked ??= { first: now, last: now, at: 0, why, all }
    this.#asked.last = now
    this.#asked.at = this.#host.now()
    if (why === 'notification') this.#asked.why = why
    this.#asked.all ||= all
    this.#set(this.#asked, now)
  }

  #set({ first, last, why }: Asked, now: number): void {
    const quiet = Math.min(last + DEBOUNCE_MS, first + PATIENCE_MS) - now
    const ms = Math.max(0, quiet, this.#gateway.pace.soonest())
    const at = this.#host.now() + ms
    this.#timer?.[Symbol.dispose]()
    this.due = { at, why }
    this.#timer = this.#host.setTimer(ms, () => this.#list())
  }

  #list(): void {
    const asked = this.#asked
    this.#asked = this.due = undefined
    const { progress, results, pace, readiness } = this.#gateway
    if (!asked || readiness.stopping || pace.due === undefined) return
    // A run that began after the last of them has seen it.
    const runs = results.map(({ startedAt, summary }) => ({ startedAt, ...summary.run }))
    const hasSeen = runs.some(
      ({ startedAt, listed }) => startedAt > asked.at && listed !== 'none' && !(asked.all && listed === 'new'),
    )
    const sees = progress && progress.reason !== 'ownership-change' && progress.startedAt > asked.at && !asked.all
    if (hasSeen || sees) return
    const reason = asked.why === 'notification' ? asked.why : 'interval'
    this.#gateway.sync({ reason, all: asked.all }).catch((error: unknown) => {
      this.#host.log.warn('a run that was asked for did not begin', { error: rawMessageOf(error) })
    })
  }
}

const all = new WeakMap<Gateway['plan'], Notices>()

/** The same for all who ask of one gateway. */
export function noticesOf(gateway: Gateway, host: Host): Notices {
  const known = all.get(gateway.plan)
  if (known) return known
  const made = new Notices(gateway, host)
  all.set(gateway.plan, made)
  return made
}
