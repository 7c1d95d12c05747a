/** Reads `OTEL_*` variables: what is empty counts as not set, as the specification demands. */
import type { Log } from '../../contracts/host.ts'
import { parseKeyValues } from './key-values.ts'

/** Environment variables, or a Worker's bindings: what is not a string counts as not set. */
export type TracingEnv = Readonly<Record<string, unknown>>

export interface Variable {
  readonly name: string
  readonly value: string
}

export class Variables {
  /** What cannot be followed, in the form `NAME must be X: current value is Y`. */
  readonly problems: string[] = []
  readonly #env: TracingEnv
  readonly #log: Log

  constructor(env: TracingEnv, log: Log) {
    this.#env = env
    this.#log = log
  }

  /** The first of `names` that is set. */
  get(...names: readonly string[]): Variable | undefined {
    for (const name of names) {
      const value = this.#env[name]
      if (typeof value === 'string' && value.trim() !== '') return { name, value: value.trim() }
    }
    return undefined
  }

  /** A value that is ignored: logged, never an error. */
  ignore({ name, value }: Variable, must: string, used: string): void {
    this.#log.warn(`${name} must ${must}: current value is ${JSON.stringify(value)}: ${used} is used`)
  }

  /** True or false, in any case; anything else is false. */
  flag(name: string): boolean {
    const found = this.get(name)
    const value = found?.value.toLowerCase()
    if (found && value !== 'true' && value !== 'false') this.ignore(found, 'be true or false', 'false')
    return value === 'true'
  }

  /** A whole number from `least` on; anything else is `fallback`. */
  count(fallback: number, least: number, ...names: readonly string[]): number {
    const found = this.get(...names)
    if (!found) return fallback
    if (/^\d{1,9}$/.test(found.value) && Number(found.value) >= least) return Number(found.value)
    this.ignore(found, `be a whole number from ${least} to 999999999`, String(fallback))
    return fallback
  }

  /** One of `values`, in any case; anything else is a problem. */
  oneOf<T extends string>(fallback: T, values: readonly T[], ...names: readonly string[]): T {
    const found = this.get(...names)
    if (!found) return fallback
    const value = values.find(known => known === found.value.toLowerCase())
    if (value !== undefined) return value
    this.problems.push(`${found.name} must be ${values.join(' or ')}: current value is ${JSON.stringify(found.value)}`)
    return fallback
  }

  /** Headers for HTTP; what is none is a problem, told without its text: it may be a secret. */
  headers(name: string): Readonly<Record<string, string>> {
    const pairs = parseKeyValues(this.get(name)?.value ?? '')
    if (typeof pairs === 'number') {
      this.problems.push(`${name} must be percent-encoded key=value pairs with commas between: entry ${pairs} is not`)
      return {}
    }
    const headers = new Headers()
    for (const [index, [key, value]] of pairs.entries()) {
      try {
        headers.set(key, value)
      } catch {
        this.problems.push(`${name} must hold names and values that HTTP allows: pair ${index + 1} does not`)
      }
    }
    return Object.fromEntries(headers)
  }

  /** Attributes; where one of them cannot be read all are ignored, as the specification says. */
  attributes(name: string): Readonly<Record<string, string>> {
    const found = this.get(name)
    const pairs = parseKeyValues(found?.value ?? '')
    if (typeof pairs !== 'number') return Object.fromEntries(pairs)
    if (found) this.ignore(found, 'be percent-encoded key=value pairs with commas between', 'none of them')
    return {}
  }
}
