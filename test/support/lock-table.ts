/**
 * What one lock server does, without a network: the three scripts of the npm package `redlock`, as a client sends them, on keys that
 * expire by a clock that is given.
 */

export interface Entry {
  readonly value: string
  /** On the server's clock, ms. */
  readonly ends: number
}

export class LockTable {
  readonly #clock: () => number
  readonly #entries = new Map<string, Entry>()
  readonly #scripts = new Map<string, string>()

  /** `clock`: the server's own, ms. */
  constructor(clock: () => number) {
    this.#clock = clock
  }

  /** EVALSHA. @throws Error NOSCRIPT, as Redis does, for a script that was never sent as text */
  evalsha(hash: string, keyCount: number, args: readonly (string | number)[]): number {
    const script = this.#scripts.get(hash)
    if (script === undefined) throw new Error('NOSCRIPT No matching script. Please use EVAL.')
    return this.#run(script, keyCount, args)
  }

  /** EVAL, which remembers the script under `hash`. */
  eval(script: string, hash: string, keyCount: number, args: readonly (string | number)[]): number {
    this.#scripts.set(hash, script)
    return this.#run(script, keyCount, args)
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
    this.#scripts.clear()
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

  #run(script: string, keyCount: number, args: readonly (string | number)[]): number {
    const keys = args.slice(0, keyCount).map(String)
    const [value, ttl] = [String(args[keyCount]), Number(args[keyCount + 1])]
    const mine = keys.filter(key => this.get(key) === value)
    if (script.includes('"exists"')) {
      if (keys.some(key => this.get(key) !== undefined)) return 0
    } else if (script.includes('"del"')) {
      for (const key of mine) this.#entries.delete(key)
      return mine.length
    } else if (mine.length < keys.length) return 0
    for (const key of keys) this.#entries.set(key, { value, ends: this.#clock() + ttl })
    return keys.length
  }
}
