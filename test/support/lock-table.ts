/** What one lock server does, without a network: the scripts of the npm package `redlock`, for any number of keys, by a clock that is given. */

/** As the package sends them: keys, the value of the lock, and a TTL in ms. */
export type LockArguments = readonly (string | number)[]

export interface Entry {
  readonly value: string
  /** On the server's clock, ms. */
  readonly ends: number
}

export function commandOf(script: string): 'acquire' | 'extend' | 'release' {
  if (script.includes('"exists"')) return 'acquire'
  return script.includes('"del"') ? 'release' : 'extend'
}

export function keysOf(count: number, args: LockArguments): readonly string[] {
  return args.slice(0, count).map(String)
}

export class LockTable {
  readonly #clock: () => number
  readonly #entries = new Map<string, Entry>()

  /** `clock`: the server's own, ms. */
  constructor(clock: () => number) {
    this.#clock = clock
  }

  /** EVAL: the number of keys that it was done for. Several are granted or extended all together, or none of them. */
  eval(script: string, count: number, args: LockArguments): number {
    const command = commandOf(script)
    const [value, ttl] = args.slice(count)
    const wanted = command === 'acquire' ? undefined : value
    const keys = keysOf(count, args).filter(key => this.get(key) === wanted)
    if (command !== 'release' && keys.length < count) return 0
    for (const key of keys) {
      if (command === 'release') this.#entries.delete(key)
      else this.#entries.set(key, { value: String(value), ends: this.#clock() + Number(ttl) })
    }
    return keys.length
  }

  /** The value under a key that has not expired. */
  get(key: string): string | undefined {
    const entry = this.#entries.get(key)
    return entry && entry.ends > this.#clock() ? entry.value : undefined
  }

  /** The keys that have not expired. */
  keys(): readonly string[] {
    return [...this.#entries.keys()].filter(key => this.get(key) !== undefined)
  }

  /** As one that evicts. */
  drop(keys: readonly string[]): void {
    for (const key of keys) this.#entries.delete(key)
  }

  /** As after a restart without persistence. */
  empty(): void {
    this.#entries.clear()
  }

  /** What a copy of the server knows now. */
  snapshot(): ReadonlyMap<string, Entry> {
    return new Map(this.#entries)
  }

  /** As after a failover to a copy that is `snapshot`. */
  restore(snapshot: ReadonlyMap<string, Entry>): void {
    this.empty()
    for (const [key, entry] of snapshot) this.#entries.set(key, entry)
  }
}
