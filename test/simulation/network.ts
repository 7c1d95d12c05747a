/**
 * The way between one process and the store, or a lock server: latency, order within a connection, and what goes wrong on
 * it. A request that got no answer in time was never executed, or was, or will be.
 */
import { OwnershipUnavailable } from 'blockgate'
import type { Process } from './process.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'

/** How the way behaves towards everybody now: shares of requests. */
export interface NetworkWeather {
  /** Never reach the store. */
  lost: number
  /** Are executed, and the answer never comes. */
  unanswered: number
  /** Get stuck, and are executed when the client has long given up. */
  late: number
  /** Hints of a new epoch that never come. */
  deaf: number
  /** How much longer everything takes. */
  slow: number
}

export const CALM: Readonly<NetworkWeather> = { lost: 0, unanswered: 0, late: 0, deaf: 0, slow: 1 }

/** What a client waits for an answer, ms of its own clock. */
const TIMEOUT = 2_000
/** The longest that a stuck request may still be on its way, ms. */
const LONGEST = 90_000

export interface Route {
  readonly scheduler: Scheduler
  readonly process: Process
  readonly random: Random
  readonly weather: Readonly<NetworkWeather>
  /** False: nothing gets through now, in either direction. */
  readonly open: () => boolean
  /** At the other end: calls `enter` when the request that has come is taken in. Default: at once. */
  readonly door?: ((enter: () => void) => void) | undefined
  /** What the client waits for an answer, ms of its own clock. Default 2,000. */
  readonly timeoutMs?: number | undefined
  /** What a request rejects with that got no answer. Default OwnershipUnavailable. */
  readonly failure?: ((message: string) => Error) | undefined
}

const atOnce = (enter: () => void) => enter()
const unavailable = (message: string) => new OwnershipUnavailable(message)

export class Connection {
  readonly #route: Route
  #arrived = 0
  #answered = 0

  constructor(route: Route) {
    this.#route = route
  }

  /** True time, ms. */
  get now(): number {
    return this.#route.scheduler.now
  }

  /**
   * Sends a request that `execute` answers when it arrives at the other end. @throws the route's `failure` where no
   * answer came in time
   *
   * `stuck`: it arrives after so many ms, and is not answered.
   */
  request<T>(name: string, execute: () => T, stuck?: number): Promise<T> {
    const { scheduler, process, random, weather, open, door = atOnce } = this.#route
    const { timeoutMs = TIMEOUT, failure = unavailable } = this.#route
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const given = process.setTimer(timeoutMs, () => {
      reject(failure(`${name}: no answer within ${timeoutMs} ms`))
    })
    // A client may know that its connection is gone.
    if (!open() && random.chance(0.5)) {
      process.arrive(random.between(0, 20), `${name} refused`, () => {
        given[Symbol.dispose]()
        reject(failure(`${name}: connection refused`))
      })
      return promise
    }
    const fate = random.next()
    const lost = fate < weather.lost
    const late = stuck !== undefined || (!lost && fate < weather.lost + weather.late)
    const unanswered = !late && fate < weather.lost + weather.late + weather.unanswered
    if (lost && !late) return promise
    // A stuck request goes another way than those after it, which overtake it.
    const way = late
      ? (stuck ?? random.between(timeoutMs, LONGEST))
      : this.#inOrder('out', scheduler.now + this.#latency())
    const enter = () => {
      let answer: () => void
      try {
        const value = execute()
        answer = () => resolve(value)
      } catch (error) {
        answer = () => reject(error)
      }
      if (late || unanswered) return
      const back = this.#inOrder('back', scheduler.now + this.#latency())
      scheduler.after(back, `${process.id} ${name} answered`, () => {
        if (!open()) return
        process.enter(() => {
          given[Symbol.dispose]()
          answer()
        })
      })
    }
    scheduler.after(way, `${process.id} ${name} arrives`, () => {
      if (open()) door(enter)
    })
    return promise
  }

  /** A hint from the store; it may be lost, late or come twice. */
  hint(fn: () => void): void {
    const { process, random, weather, open } = this.#route
    for (let times = random.chance(0.05) ? 2 : 1; times > 0; times--) {
      if (!open() || random.chance(weather.deaf)) continue
      process.arrive(this.#latency() * (random.chance(0.05) ? 100 : 1), 'hint', fn)
    }
  }

  #latency(): number {
    return this.#route.random.between(0.3, 6) * this.#route.weather.slow
  }

  /** One connection keeps the order of what goes over it. */
  #inOrder(direction: 'out' | 'back', at: number): number {
    const { now } = this.#route.scheduler
    if (direction === 'out') {
      this.#arrived = Math.max(at, this.#arrived)
      return this.#arrived - now
    }
    this.#answered = Math.max(at, this.#answered)
    return this.#answered - now
  }
}
