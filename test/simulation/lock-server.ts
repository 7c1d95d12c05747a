/** One lock server: keys that end by a clock of its own, and what may happen to it. */
import { LockTable } from '../support/lock-table.ts'
import type { ClockOptions } from './process.ts'
import type { Scheduler } from './scheduler.ts'

export class LockServer {
  readonly name: string
  readonly table: LockTable
  up = true
  /** What has come since it hangs; undefined while it does not. */
  #waiting: (() => void)[] | undefined
  /** Of its clock against what it was, ms. */
  #step = 0

  constructor(name: string, scheduler: Scheduler, { skew, rate }: ClockOptions) {
    this.name = name
    this.table = new LockTable(() => skew + this.#step + scheduler.now * rate)
  }

  /** A request is at the door. */
  door(enter: () => void): void {
    if (this.#waiting) this.#waiting.push(enter)
    else enter()
  }

  /** Takes requests, and does nothing with them. */
  hang(): void {
    this.#waiting ??= []
  }

  /** With everything that has come meanwhile, all at once; or with nothing of it. */
  goOn(all: boolean): void {
    const waiting = this.#waiting ?? []
    this.#waiting = undefined
    if (all) for (const enter of waiting) enter()
  }

  step(ms: number): void {
    this.#step += ms
  }
}
