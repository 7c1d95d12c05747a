/** What a plugin or a listener throws at a call that nobody but the engine could catch: told, counted, and survived. */
import { errorFields, rawMessageOf } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'
import type { Metrics } from '../contracts/metrics.ts'

/** Runs in a row with a fault, after which the gateway is unhealthy. */
const MANY = 3

export class Faults {
  readonly #host: Host
  readonly #metrics: Metrics | undefined
  /** By call, since the last run ended: each is told once a run. */
  readonly #told = new Map<string, string>()
  #inARow = 0
  #last = ''

  constructor(host: Host, metrics: Metrics | undefined) {
    this.#host = host
    this.#metrics = metrics
  }

  /** What `work` gives; undefined where it throws. A promise that it gives is not awaited, only kept from being lost. */
  guard<T>(call: string, work: () => T): T | undefined {
    try {
      const given = work()
      if (given instanceof Promise) given.catch(error => this.note(call, error))
      return given
    } catch (error) {
      this.note(call, error)
      return undefined
    }
  }

  /** `call`: what threw, such as `sink.loaded`. */
  note(call: string, error: unknown): void {
    this.#metrics?.fault?.(call)
    const what = rawMessageOf(error)
    if (this.#told.get(call) === what) return
    this.#told.set(call, what)
    this.#last = `${call}: ${what}`
    this.#host.log.error('a call that must not throw threw', { call, ...errorFields(error), at: frameOf(error) })
  }

  /** A run has ended: what was noted since the one before is counted as its. */
  runEnded(): void {
    this.#inARow = this.#told.size > 0 ? this.#inARow + 1 : 0
    this.#told.clear()
  }

  /** The last fault, once several runs in a row had one; undefined while the gateway is healthy. */
  get persistent(): string | undefined {
    return this.#inARow >= MANY ? this.#last : undefined
  }
}

/** The first line of the stack that is in nobody's package: where a plugin of the user's own threw. */
export function frameOf(thrown: unknown): string | undefined {
  let error = thrown
  while (error instanceof Error && error.cause instanceof Error) error = error.cause
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  const frames = stack.split('\n').filter(line => /^\s*at /.test(line))
  return (frames.find(line => !/node_modules|node:|<anonymous>/.test(line)) ?? frames[0])?.trim()
}
