/** A simulated endpoint, and clients of it, on a clock of their own: what a limit does to it in minutes takes milliseconds here. */
import type { LimitOptions } from '../../../../plugins/bucket/s3/limit/adaptive.ts'
import { Gate, type Place } from '../../../../plugins/bucket/s3/limit/gate.ts'

export interface EndpointOptions {
  /** Answers that it works at in parallel; further requests wait in it. */
  readonly workers: number
  /** Work of an answer, ms, before noise. */
  readonly serviceMs: number
  /** On the way, there and back, ms. */
  readonly networkMs: number
  /** Spread of both: sigma of a lognormal. */
  readonly sigma?: number
  /** More requests in a second are refused with 503. */
  readonly perSecond?: number
  /** What a refusal asks for, ms. */
  readonly retryAfterMs?: number
}

export interface Seen {
  readonly limit: number
  /** Of the last `since`, in a second. */
  readonly perSecond: number
  /** Median time of an answer, ms. */
  readonly ms: number
  readonly refused: number
  readonly most: number
}

export class World {
  options: EndpointOptions
  readonly gate: Gate
  now = 0
  #events: { readonly at: number; readonly order: number; readonly run: () => void }[] = []
  #order = 0
  #seed = 1
  #busy = 0
  #most = 0
  #queue: (() => void)[] = []
  #arrivals: number[] = []
  #times: number[] = []
  #refused = 0

  constructor(options: EndpointOptions, limit: LimitOptions) {
    this.options = options
    const host = {
      monotonic: () => this.now,
      setTimer: (ms: number, fn: () => void) => {
        let isOn = true
        this.after(ms, () => isOn && fn())
        return {
          [Symbol.dispose]() {
            isOn = false
          },
        }
      },
    }
    this.gate = new Gate(host, limit)
  }

  after(ms: number, run: () => void): void {
    const event = { at: this.now + ms, order: this.#order++, run }
    let [low, high] = [0, this.#events.length]
    while (low < high) {
      const middle = (low + high) >> 1
      const other = this.#events[middle] as typeof event
      if (other.at > event.at || (other.at === event.at && other.order > event.order)) low = middle + 1
      else high = middle
    }
    this.#events.splice(low, 0, event)
  }

  /** `count` clients, each with one request at a time, for ever. */
  clients(count: number): void {
    const { signal } = new AbortController()
    for (let i = 0; i < count; i++) {
      void (async () => {
        for (;;) {
          const place = await this.gate.take(signal)
          await this.#request(place)
          place[Symbol.dispose]()
        }
      })()
    }
  }

  async run(ms: number): Promise<Seen> {
    this.#times = []
    this.#refused = 0
    this.#most = 0
    const until = this.now + ms
    for (;;) {
      for (let i = 0; i < 8; i++) await Promise.resolve()
      const next = this.#events.at(-1)
      if (!next || next.at > until) break
      this.#events.pop()
      this.now = next.at
      next.run()
    }
    this.now = until
    const sorted = this.#times.toSorted((a, b) => a - b)
    return {
      limit: this.gate.limit,
      perSecond: (sorted.length / ms) * 1000,
      ms: sorted[sorted.length >> 1] ?? Number.NaN,
      refused: this.#refused,
      most: this.#most,
    }
  }

  async #request(place: Place): Promise<void> {
    const begun = this.now
    const { networkMs, serviceMs, perSecond = Number.POSITIVE_INFINITY, retryAfterMs = 0 } = this.options
    await this.#sleep((networkMs / 2) * this.#noise())
    while ((this.#arrivals[0] ?? Number.POSITIVE_INFINITY) <= this.now - 1000) this.#arrivals.shift()
    if (this.#arrivals.length >= perSecond) {
      this.#refused++
      await this.#sleep(networkMs / 2)
      place.refused(retryAfterMs)
      return
    }
    if (perSecond !== Number.POSITIVE_INFINITY) this.#arrivals.push(this.now)
    if (this.#busy >= this.options.workers) await new Promise<void>(resolve => this.#queue.push(resolve))
    else this.#busy++
    this.#most = Math.max(this.#most, this.#busy + this.#queue.length)
    await this.#sleep(serviceMs * this.#noise())
    const next = this.#queue.shift()
    if (next) next()
    else this.#busy--
    await this.#sleep((networkMs / 2) * this.#noise())
    this.#times.push(this.now - begun)
    place.answered()
  }

  #sleep(ms: number): Promise<void> {
    return new Promise(resolve => this.after(ms, resolve))
  }

  #noise(): number {
    const { sigma = 0 } = this.options
    if (sigma === 0) return 1
    const u = Math.max(1e-9, this.#random())
    const normal = Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * this.#random())
    return Math.exp(sigma * normal)
  }

  #random(): number {
    this.#seed = (Math.imul(this.#seed, 1664525) + 1013904223) >>> 0
    return this.#seed / 4294967296
  }
}
