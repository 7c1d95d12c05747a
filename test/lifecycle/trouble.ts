/** Plugins that throw, reject, hang, answer late or answer nonsense, at any call, as chance decides. */

/** By kind of call. `end`: works first, for what must be done is done by whoever stops. */
const HOWS = {
  sync: ['throw', 'nonsense'],
  async: ['throw', 'reject', 'hang before', 'hang after', 'nonsense'],
  end: ['throw after', 'hang after'],
} as const
const NONSENSE = [undefined, null, Number.NaN, 'nonsense']

export type CallKind = keyof typeof HOWS

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
        return (...args: readonly unknown[]) => this.call(kind, call, () => Reflect.apply(value, own, args))
      },
    })
  }

  call(kind: CallKind, call: string, work: () => unknown): unknown {
    if (this.over || this.#random() >= this.#rate) return work()
    const how = this.#pick<(typeof HOWS)[CallKind][number]>(HOWS[kind])
    const error = new Error(`trouble in ${call}`)
    this.log.push(`${how} ${call}`)
    if (how === 'throw') throw error
    if (how === 'nonsense') {
      const answer = this.#pick(NONSENSE)
      return kind === 'sync' || answer === null ? answer : Promise.resolve(answer)
    }
    return (async () => {
      if (how === 'reject') throw error
      if (how === 'hang before') await this.#hang()
      const answer = await work()
      if (how === 'hang after') await this.#hang()
      if (how === 'throw after') throw error
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

  #pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)] as T
  }
}
