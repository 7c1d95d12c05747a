/** Reads `OTEL_*` variables: what is empty counts as not set, as the specification demands. */
import type { Log } from '../../contracts/host.ts'

/** Environment variables, or a Worker's bindings: what is not a string counts as not set. */
export type TracingEnv = Readonly<Record<string, unknown>>

export interface Variable {
  readonly name: string
  readonly value: string
}

/** Gives the value of a text, or undefined where it is none. */
type Parse<T> = (text: string) => T | undefined

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

  /** The value of a variable, or `fallback` where it is not set. One that cannot be read is ignored, with a warning. */
  read<T>(fallback: T, must: string, parse: Parse<T>, ...names: string[]): T {
    const found = this.get(...names)
    const value = found && parse(found.value)
    if (found && value === undefined) {
      const used = typeof fallback === 'object' ? 'none of them' : String(fallback)
      this.#log.warn(`${found.name} must ${must}: current value is ${JSON.stringify(found.value)}: ${used} is used`)
    }
    return value ?? fallback
  }

  /** A whole number from `least` on. */
  count(fallback: number, least: number, ...names: string[]): number {
    const parse = (text: string) => (/^\d{1,9}$/.test(text) && Number(text) >= least ? Number(text) : undefined)
    return this.read(fallback, `be a whole number from ${least} to 999999999`, parse, ...names)
  }

  /** One of `values`, in any case, the first where none is set; anything else is a problem. */
  oneOf<T extends string>(values: readonly [T, ...T[]], ...names: readonly string[]): T {
    const found = this.get(...names)
    if (!found) return values[0]
    const value = values.find(known => known === found.value.toLowerCase())
    if (!value) this.problems.push(`${found.name} must be ${values.join(' or ')}: current value is "${found.value}"`)
    return value ?? values[0]
  }

  /** Attributes; where one of them cannot be read all are ignored, as the specification says. */
  attributes(name: string): Readonly<Record<string, string>> {
    const parse = (text: string) => {
      const attributes = new Map<string, string>()
      const wrong = eachPair(text, (key, value) => attributes.set(key, value))
      return wrong === 0 ? Object.fromEntries(attributes) : undefined
    }
    return this.read({}, 'be percent-encoded key=value pairs with commas between', parse, name)
  }

  /** Headers for HTTP; what is none is a problem, told by its position and not by its text: it may be a secret. */
  headers(name: string): Readonly<Record<string, string>> {
    const headers = new Headers()
    const wrong = eachPair(this.get(name)?.value ?? '', (key, value) => headers.set(key, value))
    const must = 'be percent-encoded key=value pairs that HTTP allows, with commas between'
    if (wrong > 0) this.problems.push(`${name} must ${must}: entry ${wrong} is not`)
    return Object.fromEntries(headers)
  }
}

/**
 * Calls `set` for each pair of `key=value,key2=value2`, percent-decoded. Returns the position (from 1) of the first entry that is
 * none, or that `set` refuses; else 0. Format:
 * https://opentelemetry.io/docs/specs/otel/protocol/exporter/#specifying-headers-via-environment-variables
 */
function eachPair(text: string, set: (key: string, value: string) => unknown): number {
  for (const [index, entry] of text.split(',').entries()) {
    if (entry.trim() === '') continue
    const equals = Math.max(0, entry.indexOf('='))
    try {
      const key = decodeURIComponent(entry.slice(0, equals).trim())
      if (key === '') return index + 1
      set(key, decodeURIComponent(entry.slice(equals + 1).trim()))
    } catch {
      return index + 1
    }
  }
  return 0
}
