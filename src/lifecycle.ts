/** Starting and stopping the parts of a gateway. */
import { orAborted } from './async/signals.ts'
import { BlockgateError, codeOf, ErrorCode, rawMessageOf } from './errors.ts'
import type { Component, Services } from './host.ts'

/**
 *   new → starting → running → stopping → stopped
 *                  ↘ failed ↗
 */
export type ComponentState = 'new' | 'starting' | 'running' | 'failed' | 'stopping' | 'stopped'

export interface Part {
  /** Unique in the pipeline; errors and health carry it. */
  readonly name: string
  readonly component: Component
  readonly services: Services
}

export interface Health {
  readonly name: string
  readonly state: ComponentState
  /** What `start` or `stop` threw. */
  readonly error?: string
}

interface Entry extends Part {
  state: ComponentState
  error: unknown
}

/** Parts in list order: bucket, source, stages, sink. They start from the sink to the source, and stop the other way. */
export class Lifecycle {
  readonly #entries: readonly Entry[]

  constructor(parts: readonly Part[]) {
    this.#entries = parts.map(part => ({ ...part, state: 'new', error: undefined }))
  }

  get health(): readonly Health[] {
    return this.#entries.map(({ name, state, error }) => ({
      name,
      state,
      ...(error === undefined ? {} : { error: rawMessageOf(error) }),
    }))
  }

  /**
   * What is first in the list starts last, except the bucket, which everything else reads from.
   * @throws BlockgateError of the part that failed, after everything that had begun to start was stopped
   */
  async start(signal: AbortSignal): Promise<void> {
    const [bucket, ...stages] = this.#entries
    for (const entry of [bucket, ...stages.toReversed()]) {
      if (!entry) continue
      entry.state = 'starting'
      try {
        await entry.component.start?.(entry.services)
        entry.state = 'running'
      } catch (error) {
        entry.state = 'failed'
        entry.error = error
        await this.stop(signal).catch((stopError: unknown) => {
          entry.services.host.log.error('stopping after a failed start failed', { error: rawMessageOf(stopError) })
        })
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
   * Stops whatever has begun to start, and goes on past errors. Safe twice, and without a start.
   * @throws BlockgateError `stop-failed` with all errors as its cause
   */
  async stop(signal: AbortSignal): Promise<void> {
    const [bucket, ...stages] = this.#entries
    const errors: unknown[] = []
    for (const entry of [...stages, bucket]) {
      if (!entry || entry.state === 'new' || entry.state === 'stopped' || entry.state === 'stopping') continue
      const failed = entry.state === 'failed'
      entry.state = 'stopping'
      try {
        await orAborted(Promise.resolve(entry.component.stop?.(signal)), signal)
        entry.state = failed ? 'failed' : 'stopped'
      } catch (error) {
        entry.error = error
        errors.push(
          new BlockgateError(ErrorCode.stopFailed, `Cannot stop "${entry.name}": ${rawMessageOf(error)}`, {
            cause: error,
            at: entry.name,
          }),
        )
        entry.state = 'stopped'
      }
    }
    if (errors.length > 0) {
      throw new BlockgateError(ErrorCode.stopFailed, errors.map(rawMessageOf).join('; '), {
        cause: new AggregateError(errors),
      })
    }
  }
}
