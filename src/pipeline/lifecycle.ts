/** Starting and stopping the parts of a gateway. */
import { eachBounded } from '../async/each.ts'
import { orAborted, within } from '../async/signals.ts'
import { BlockgateError, codeOf, ErrorCode, rawMessageOf } from '../contracts/errors.ts'
import type { ComponentState, Health } from '../contracts/health.ts'
import type { Component, Services } from '../contracts/host.ts'

export interface Part {
  /** Unique in the pipeline; errors and health carry it. */
  readonly name: string
  readonly component: Component
  readonly services: Services
}

interface Entry extends Part {
  state: ComponentState
  error: unknown
  /** A start that has not settled, also one that nobody waits for any more. */
  starting: Promise<void> | undefined
}

/** What all parts together have to end at least, ms. */
export const END_MS = 5_000
/** A part that takes longer than this to end does not hold up the stop of the next one, ms. */
const PATIENCE_MS = 1_000
/** A start that takes longer is told, ms. */
const LONG_MS = 30_000

/** Parts in list order: bucket, source, stages, sink. They start from the sink to the source, and stop the other way. */
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
      ...(error === undefined ? {} : { error: rawMessageOf(error) }),
    }))
  }

  /**
   * What is first in the list starts last, except the bucket, which everything else reads from. Once `signal` has aborted no
   * part is started any more, and stop() is the caller's to call. May be called again after a failure.
   * @throws BlockgateError of the part that failed, after everything that had begun to start was stopped
   */
  async start(signal: AbortSignal): Promise<void> {
    const [bucket, ...stages] = this.#entries
    const late = this.#entries.find(({ starting }) => starting)
    if (late) {
      const what = `Cannot start "${late.name}": it is still starting since an earlier try`
      throw new BlockgateError(ErrorCode.startFailed, what, { at: late.name })
    }
    for (const entry of [bucket, ...stages.toReversed()]) {
      signal.throwIfAborted()
      if (!entry) continue
      try {
        await this.#begin(entry, signal)
        entry.state = 'running'
      } catch (error) {
        if (signal.aborted) throw signal.reason
        entry.state = 'failed'
        entry.error = error
        const late = new AbortController()
        const { host } = entry.services
        const timer = host.setTimer(END_MS, () => late.abort(new Error(`it must stop within ${END_MS} ms`)))
        await this.stop(late.signal).catch((stopError: unknown) => {
          host.log.error('stopping after a failed start failed', { error: rawMessageOf(stopError) })
        })
        timer[Symbol.dispose]()
        throw new BlockgateError(
          codeOf(error) ?? ErrorCode.startFailed,
          `Cannot start "${entry.name}": ${rawMessageOf(error)}`,
          {
            cause: error,
            at: entry.name,
          },
        )
      }
    }
  }

  /**
   * Stops whatever has begun to start, and goes on past errors, and past what hangs until `signal` aborts. A part that ends
   * its start later is stopped once more then. Safe twice, and without a start.
   * @throws BlockgateError `stop-failed` with all errors as its cause
   */
  async stop(signal: AbortSignal): Promise<void> {
    const [bucket, ...stages] = this.#entries
    const errors: unknown[] = []
    const ends: Promise<void>[] = []
    for (const entry of stages) {
      const end = this.#end(entry, signal, errors)
      ends.push(end)
      await patient(entry, signal, end)
    }
    await Promise.all(ends)
    if (bucket) await this.#end(bucket, signal, errors)
    if (errors.length > 0) {
      throw new BlockgateError(ErrorCode.stopFailed, errors.map(rawMessageOf).join('; '), {
        cause: new AggregateError(errors),
      })
    }
  }

  #begin(entry: Entry, signal: AbortSignal): Promise<void> {
    const { component, services } = entry
    const ms = this.#startMs
    entry.state = 'starting'
    entry.error = undefined
    const starting = (async () => component.start?.(services, signal))().finally(() => {
      entry.starting = undefined
    })
    entry.starting = starting
    const { host } = services
    const long = host.setTimer(LONG_MS, () => host.log.warn('a part takes long to start', { part: entry.name }))
    return within(host, ms, signal, () => new Error(`it must start within ${ms} ms`), starting).finally(() =>
      long[Symbol.dispose](),
    )
  }

  /** Never rejects, and settles soon after `signal` aborts. */
  async #end(entry: Entry, signal: AbortSignal, errors: unknown[]): Promise<void> {
    if (entry.state === 'new' || entry.state === 'stopped' || entry.state === 'stopping') return
    const failed = entry.state === 'failed'
    entry.state = 'stopping'
    try {
      const end = stopped(entry, signal)
      // What is asked when time is up already may still say that it is done.
      if (signal.aborted) await within(entry.services.host, PATIENCE_MS, undefined, () => signal.reason, end)
      else await orAborted(end, signal)
      entry.state = failed ? 'failed' : 'stopped'
    } catch (error) {
      entry.error = error
      const still = entry.starting ? ', which is still starting' : ''
      errors.push(
        new BlockgateError(ErrorCode.stopFailed, `Cannot stop "${entry.name}"${still}: ${rawMessageOf(error)}`, {
          cause: error,
          at: entry.name,
        }),
      )
      entry.state = 'stopped'
    }
  }
}

async function stopped(entry: Entry, signal: AbortSignal): Promise<void> {
  const { component, starting } = entry
  const stop = async () => component.stop?.(signal)
  if (starting) await patient(entry, signal, starting)
  // What a start begins after that stop ends too, however late.
  const ends = entry.starting ? [stop(), entry.starting.catch(() => {}).then(stop)] : [stop()]
  await eachBounded(ends, ends.length, end => end)
}

/** Waits for `end`, but not longer than a part may hold up others. */
async function patient({ services }: Entry, signal: AbortSignal, end: Promise<unknown>): Promise<void> {
  await within(services.host, PATIENCE_MS, signal, () => undefined, end).catch(() => {})
}
