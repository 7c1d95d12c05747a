/** What one lock server does, without a network: the scripts of the npm package `redlock`, for one key each, by a clock that is given. */

/** As the package sends them: a key, the value of the lock, and a TTL in ms. */
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

export class LockTable {
  readonly #clock: () => number
  readonly #entries = new Map<string, Entry>()

  /** `clock`: the server's own, ms. */
  constructor(clock: () => number) {
    this.#clock = clock
  }

  /** EVAL: the number of keys that it was done for. */
  eval(script: string, [key, value, ttl]: LockArguments): 0 | 1 {
    const command = commandOf(script)
    const held = this.get(String(key))
    if (held !== (command === 'acquire' ? undefined : value)) return 0
    if (command === 'release') this.#entries.delete(String(key))
    else this.#entries.set(String(key), { value: String(value), ends: this.#clock() + Number(ttl) })
    return 1
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
