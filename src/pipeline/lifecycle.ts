/** Starting and stopping the parts of a gateway. */
import { allEnded, orAborted, within } from '../async/signals.ts'
import { BlockgateError, codeOf, ErrorCode, errorFields, rawMessageOf } from '../contracts/errors.ts'
import type { Component, ComponentState, Health, Host, Services } from '../contracts/host.ts'

export interface Part {
  /** Unique in the pipeline; errors and health carry it. */
  readonly name: string
  readonly component: Component
  readonly services: Services
}

interface Entry extends Part {
  state: ComponentState
  error: unknown
  /** A start that has not ended, also one that nobody waits for any more. */
  starting: Promise<void> | undefined
}

/** What all parts together have to end at least, ms. */
export const END_MS = 5_000
/** A part that takes longer than this to end does not hold up the stop of the next one, ms. */
const ALONE_MS = 1_000
/** A start that takes longer is told, ms. */
const LONG_MS = 30_000

/**
 * Parts in list order: bucket, source, stages, sink. The bucket starts first, for all others read from it; then they start from
 * the sink to the source. They stop the other way.
 */
export class Lifecycle {
  readonly #entries: readonly Entry[]
  readonly #startMs: number

  /** `startMs`: how long each part may take to start. */
  constructor(parts: readonly Part[], startMs = 600_000) {
    this.#entries = parts.map(part => ({ ...part, state: 'new', error: undefined, starting: undefined }))
    this.#startMs = startMs
  }

  get health(): readonly Health[] {
    return this.#entries.map(({ name, state, error }) => ({
      name,
      state,
      ...(error !== undefined && { error: rawMessageOf(error) }),
    }))
  }

  /**
   * Once `signal` has aborted no part is started any more, and the caller calls stop(). May be called again after a failure.
   * @throws BlockgateError of the part that failed, after everything that had begun to start was stopped
   */
  async start(signal: AbortSignal): Promise<void> {
    const late = this.#entries.find(({ starting }) => starting)
    if (late) throw cannot('start', late, 'it is still starting since an earlier try')
    for (const entry of [...this.#entries.slice(0, 1), ...this.#entries.slice(1).toReversed()]) {
      signal.throwIfAborted()
      try {
        await this.#begin(entry, signal)
      } catch (error) {
        if (signal.aborted) throw signal.reason
        entry.state = 'failed'
        entry.error = error
        await withinGrace(entry.services.host, END_MS, late => this.stop(late)).catch(() => {})
        throw cannot('start', entry, error)
      }
    }
  }

  /**
   * Stops all that has begun to start, past errors, and past what hangs once `signal` aborts. Safe twice, and without a start.
   * @throws BlockgateError `stop-failed` with all errors as its cause
   */
  async stop(signal: AbortSignal): Promise<void> {
    const [bucket, ...stages] = this.#entries
    const errors: unknown[] = []
    const ends: Promise<void>[] = []
    for (const entry of stages) {
      const end = this.#end(entry, signal, errors)
      ends.push(end)
      await forAWhile(entry, signal, end)
    }
    await Promise.all(ends)
    if (bucket) await this.#end(bucket, signal, errors)
    if (errors.length > 0) {
      const cause = new AggregateError(errors)
      throw new BlockgateError(ErrorCode.stopFailed, errors.map(rawMessageOf).join('; '), { cause })
    }
  }

  async #begin(entry: Entry, signal: AbortSignal): Promise<void> {
    const { name, component, services } = entry
    const { host } = services
    const ms = this.#startMs
    entry.state = 'starting'
    entry.error = undefined
    const starting = (async () => component.start?.(services, signal))().finally(() => (entry.starting = undefined))
    entry.starting = starting
    const long = host.setTimer(LONG_MS, () => host.log.warn('a part takes long to start', { part: name }))
    try {
      await within(host, ms, signal, () => new Error(`timed out after ${ms / 1000} s (option startTimeout)`), starting)
    } finally {
      long[Symbol.dispose]()
    }
    entry.state = 'running'
  }

  /** Never rejects, and ends soon after `signal` aborts. */
  async #end(entry: Entry, signal: AbortSignal, errors: unknown[]): Promise<void> {
    const { state, services } = entry
    if (state === 'new' || state === 'stopped' || state === 'stopping') return
    entry.state = 'stopping'
    try {
      const end = stopped(entry, signal)
      // A part that is asked when time is up already may still say that it has ended.
      if (signal.aborted) await within(services.host, ALONE_MS, undefined, () => signal.reason, end)
      else await orAborted(end, signal)
      entry.state = state === 'failed' ? 'failed' : 'stopped'
    } catch (error) {
      entry.state = 'stopped'
      entry.error = error
      errors.push(cannot('stop', entry, error))
    }
  }
}

async function stopped(entry: Entry, signal: AbortSignal): Promise<void> {
  const stop = async () => entry.component.stop?.(signal)
  if (entry.starting) await forAWhile(entry, signal, entry.starting)
  const ends = [stop()]
  // What a start begins after that stop ends too, however late.
  if (entry.starting) ends.push(entry.starting.catch(() => {}).then(stop))
  await allEnded(ends)
}

/** Waits for `end`, but not longer than a part may hold up others. */
async function forAWhile({ services }: Entry, signal: AbortSignal, end: Promise<unknown>): Promise<void> {
  await within(services.host, ALONE_MS, signal, () => undefined, end).catch(() => {})
}

/** `work` gets a signal that aborts when the grace is over. What it throws is logged, too. */
export async function withinGrace(host: Host, ms: number, work: (late: AbortSignal) => Promise<void>): Promise<void> {
  const late = new AbortController()
  const timer = host.setTimer(ms, () => {
    late.abort(new BlockgateError(ErrorCode.stopFailed, `timed out after ${ms / 1000} s`))
  })
  try {
    await work(late.signal)
  } catch (error) {
    host.log.error('the stop failed', errorFields(error))
    throw error
  } finally {
    timer[Symbol.dispose]()
  }
}

function cannot(what: 'start' | 'stop', { name, starting }: Entry, cause: unknown): BlockgateError {
  const code = what === 'stop' ? ErrorCode.stopFailed : (codeOf(cause) ?? ErrorCode.startFailed)
  const still = what === 'stop' && starting ? ', which is still starting' : ''
  return new BlockgateError(code, `Cannot ${what} "${name}"${still}: ${rawMessageOf(cause)}`, { cause, at: name })
}
