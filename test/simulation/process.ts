/** One process of a member: its clocks, its timers, and the gate that everything coming from outside passes. */
import type { Fields, Host, Log } from 'blockgate'
import type { Cluster } from './cluster.ts'
import type { Random } from './random.ts'

/** `stop`: its clocks run on, as after SIGSTOP. `suspend`: its monotonic clock stands still, as in a virtual machine. */
export type Pause = 'stop' | 'suspend'

export interface ClockOptions {
  /** Of its wall clock against true time at the start, ms. */
  readonly skew: number
  /** How fast both clocks run against true time. */
  readonly rate: number
}

interface Timer {
  /** On the monotonic clock. */
  readonly due: number
  event: Disposable | undefined
  readonly fn: () => void
}

const WALL_START = Date.UTC(2026, 0, 1)

export class Process implements Host {
  readonly id: string
  /** Which process of this member: 1, 2, … */
  readonly generation: number
  readonly log: Log
  alive = true
  readonly #scheduler: Cluster['scheduler']
  readonly #random: Random
  readonly #clock: ClockOptions
  readonly #timers = new Set<Timer>()
  /** What came from outside while it was paused. */
  readonly #held: (() => void)[] = []
  readonly #started: number
  #paused: { readonly kind: Pause; readonly at: number } | undefined
  /** How long it was paused in all, and how long of that suspended, ms of true time. */
  #slept = 0
  #stood = 0
  #step = 0

  constructor(
    id: string,
    generation: number,
    cluster: Pick<Cluster, 'scheduler' | 'note'>,
    random: Random,
    clock: ClockOptions,
  ) {
    this.id = id
    this.generation = generation
    this.#scheduler = cluster.scheduler
    this.#random = random
    this.#clock = clock
    this.#started = cluster.scheduler.now
    const log = (level: string) => (message: string, fields?: Fields) => cluster.note(id, level, message, fields)
    this.log = { info: log(''), warn: log('warn'), error: log('error') }
  }

  get paused(): boolean {
    return this.#paused !== undefined
  }

  now(): number {
    return WALL_START + this.#clock.skew + this.#step + this.#scheduler.now * this.#clock.rate
  }

  monotonic(): number {
    const standing = this.#paused?.kind === 'suspend' ? this.#scheduler.now - this.#paused.at : 0
    return (this.#scheduler.now - this.#started - this.#stood - standing) * this.#clock.rate
  }

  random(): number {
    return this.#random.next()
  }

  setTimer(ms: number, fn: () => void): Disposable {
    const timer: Timer = { due: this.monotonic() + Math.max(0, ms), event: undefined, fn }
    this.#timers.add(timer)
    this.#arm(timer)
    return {
      [Symbol.dispose]: () => {
        timer.event?.[Symbol.dispose]()
        this.#timers.delete(timer)
      },
    }
  }

  /** Computing takes no time here. */
  nextTurn(): Promise<void> {
    return Promise.resolve()
  }

  /** How much of what its clocks have counted it was paused for, ms. */
  get slept(): { readonly monotonic: number; readonly wall: number } {
    const { rate } = this.#clock
    return { monotonic: (this.#slept - this.#stood) * rate, wall: this.#slept * rate }
  }

  /** Steps the wall clock only. */
  step(ms: number): void {
    this.#step += ms
  }

  /** Something from outside arrives `ms` from now: an answer, the end of a read. It waits while the process is paused. */
  arrive(ms: number, label: string, fn: () => void): void {
    this.#scheduler.after(ms, `${this.id} ${label}`, () => this.enter(fn))
  }

  /** Arrives now, inside an event that is happening. */
  enter(fn: () => void): void {
    if (!this.alive) return
    if (this.#paused) this.#held.push(fn)
    else fn()
  }

  pause(kind: Pause): void {
    if (this.#paused || !this.alive) return
    this.#paused = { kind, at: this.#scheduler.now }
    if (kind === 'suspend') for (const { event } of this.#timers) event?.[Symbol.dispose]()
  }

  /** What waited arrives within a few milliseconds: the timers that are due, and everything else, one of them first. */
  resume(): void {
    const paused = this.#paused
    if (!paused || !this.alive) return
    const lasted = this.#scheduler.now - paused.at
    this.#slept += lasted
    if (paused.kind === 'suspend') this.#stood += lasted
    this.#paused = undefined
    const timersFirst = this.#random.chance(0.5)
    for (const fn of this.#held.splice(0)) this.arrive(timersFirst ? this.#random.between(0.1, 5) : 0, 'resumed', fn)
    for (const timer of [...this.#timers].sort((a, b) => a.due - b.due)) {
      timer.event?.[Symbol.dispose]()
      this.#arm(timer)
    }
  }

  /** Nothing of it happens any more. What it has sent may still reach the store. */
  kill(): void {
    this.alive = false
    this.#held.length = 0
    for (const { event } of this.#timers) event?.[Symbol.dispose]()
    this.#timers.clear()
  }

  #arm(timer: Timer): void {
    if (this.#paused?.kind === 'suspend') return
    // A hair late: a timer that fires before its time by a rounding error would be armed again for ever.
    const wait = (timer.due - this.monotonic()) / this.#clock.rate + 0.001
    timer.event = this.#scheduler.after(wait, `${this.id} timer`, () => {
      if (!this.alive || this.#paused) return
      this.#timers.delete(timer)
      timer.fn()
    })
  }
}
