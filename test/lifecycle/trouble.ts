/** Plugins that throw, reject, hang, answer late or answer nonsense, at any call, as chance decides. */

/** `sync` calls throw or give nonsense; `async` ones may hang besides. `end`: works first, for what must be done is done by whoever stops. */
export type CallKind = 'sync' | 'async' | 'end'

export class Trouble {
  readonly #random: () => number
  readonly #rate: number
  /** What hangs goes on when it is called. */
  readonly #hanging: (() => void)[] = []
  /** What happened, in order: `throw sink.loaded`. */
  readonly log: string[] = []
  /** None any more. */
  over = false

  /** `rate`: the share of the calls that go wrong. */
  constructor(random: () => number, rate: number) {
    this.#random = random
    this.#rate = rate
  }

  /** `target` with the methods named in `kinds` made troublesome. */
  with<T extends object>(target: T, name: string, kinds: Partial<Record<keyof T, CallKind>>): T {
    return new Proxy(target, {
      get: (own, key) => {
        const value = Reflect.get(own, key)
        const kind = kinds[key as keyof T]
        if (typeof value !== 'function') return value
        if (kind === undefined) return value.bind(own)
        const call = `${name}.${String(key)}`
        return (...args: readonly unknown[]) => this[kind](call, () => Reflect.apply(value, own, args))
      },
    })
  }

  sync(call: string, work: () => unknown): unknown {
    if (!this.#strikes()) return work()
    const how = this.#pick(['throw', 'nonsense'])
    this.log.push(`${how} ${call}`)
    if (how === 'throw') throw new Error(`trouble in ${call}`)
    return this.#pick([undefined, null, Number.NaN, 'nonsense'])
  }

  async(call: string, work: () => unknown): unknown {
    if (!this.#strikes()) return work()
    const how = this.#pick(['throw', 'reject', 'hang before', 'hang after', 'nonsense'] as const)
    this.log.push(`${how} ${call}`)
    if (how === 'throw') throw new Error(`trouble in ${call}`)
    if (how === 'nonsense') return this.#pick([undefined, Promise.resolve(), Promise.resolve('nonsense')])
    return (async () => {
      if (how === 'reject') throw new Error(`trouble in ${call}`)
      if (how === 'hang before') await this.#hang()
      const answer = await work()
      if (how === 'hang after') await this.#hang()
      return answer
    })()
  }

  end(call: string, work: () => unknown): unknown {
    const strikes = this.#strikes()
    const how = this.#pick(['throw', 'hang'] as const)
    if (strikes) this.log.push(`${how} after ${call}`)
    return (async () => {
      const answer = await work()
      if (strikes && how === 'throw') throw new Error(`trouble in ${call}`)
      if (strikes) await this.#hang()
      return answer
    })()
  }

  /** Lets go on what hangs: each with this likelihood. */
  release(share: number): void {
    for (const resolve of this.#hanging.splice(0)) {
      if (this.#random() < share) resolve()
      else this.#hanging.push(resolve)
    }
  }

  #hang(): Promise<void> {
    return new Promise(resolve => this.#hanging.push(resolve))
  }

  #strikes(): boolean {
    return !this.over && this.#random() < this.#rate
  }

  #pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)] as T
  }
}
