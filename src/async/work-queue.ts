/** What a pool's lanes take their work from: re-offers first, then the pages, then what must run alone. */
import type { Host } from '../contracts/host.ts'
import { pause } from './slices.ts'

/** One thing to do. It never rejects for a block's failure; a rejection ends the whole pool. */
export type Task = () => Promise<void>

/**
 * A queue that is finished only when nothing can come back: no task is running, none waits for its backoff, no page is
 * left. Pages are pulled one at a time, and only when a lane has nothing else to do: that is the backpressure. Tasks may be
 * made as they are taken: a generator looks for the next one when a lane is free.
 */
export class WorkQueue {
  readonly #host: Host
  /** The first of all is that of the last: the page is at 0. */
  readonly #waiting: Iterator<Task>[] = []
  readonly #alone: { readonly task: Task; readonly rank: number }[] = []
  readonly #pull: () => Promise<Iterable<Task> | undefined>
  #exhausted = false
  #pulling = false
  #running = 0
  #holds = 0
  #soloist = false
  #closed = false
  #failure: { readonly error: unknown } | undefined
  #waiters: (() => void)[] = []

  /** `pull` gives the next page of tasks, or undefined after the last; its rejection ends the pool. */
  constructor(host: Host, pull: () => Promise<Iterable<Task> | undefined>) {
    this.#host = host
    this.#pull = pull
  }

  /** Runs everything on at most `lanes` tasks at once. Rejects, after all running tasks ended, with the first failure. */
  async run(lanes: number): Promise<void> {
    await Promise.all(Array.from({ length: lanes }, () => this.#lane()))
    if (this.#failure) throw this.#failure.error
  }

  /** Ahead of everything that waits. Ignored once closed. */
  pushFront(tasks: Iterable<Task>): void {
    this.#waiting.push(tasks[Symbol.iterator]())
    this.#wake()
  }

  /** To be run last, one at a time, with nothing beside it: a lower rank before a higher one. */
  pushAlone(task: Task, rank: number): void {
    const at = this.#alone.findIndex(other => other.rank > rank)
    this.#alone.splice(at < 0 ? this.#alone.length : at, 0, { task, rank })
  }

  /** Keeps the queue open for something that will be pushed later; call the result once, when it was or never will be. */
  hold(): () => void {
    this.#holds++
    let held = true
    return () => {
      if (!held) return
      held = false
      this.#holds--
      this.#wake()
    }
  }

  /** Nothing more is taken; what runs goes on to its end. */
  close(): void {
    this.#closed = true
    this.#wake()
  }

  /** True once nothing pushed would be run any more. */
  get closed(): boolean {
    return this.#closed
  }

  async #lane(): Promise<void> {
    for (;;) {
      const task = await this.#take()
      if (!task) return
      try {
        await task()
      } catch (error) {
        this.#fail(error)
      }
      this.#running--
      this.#soloist = false
      this.#wake()
      // Most tasks only await what is settled already.
      await pause(this.#host)
    }
  }

  /** Counts what it gives as running at once: no other lane may find the queue idle in between. */
  async #take(): Promise<Task | undefined> {
    while (!this.#closed) {
      if (!this.#soloist) {
        const task = this.#next()
        if (task) {
          this.#running++
          return task
        }
        if (this.#closed) return undefined
        if (!this.#exhausted && !this.#pulling) {
          await this.#nextPage()
          continue
        }
        if (this.#exhausted && this.#running === 0 && this.#holds === 0) {
          const alone = this.#alone.shift()?.task
          this.#soloist = alone !== undefined
          if (alone) this.#running++
          else this.close()
          return alone
        }
      }
      await new Promise<void>(resolve => this.#waiters.push(resolve))
    }
    return undefined
  }

  #next(): Task | undefined {
    try {
      for (let first = this.#waiting.at(-1); first; first = this.#waiting.at(-1)) {
        const step = first.next()
        if (!step.done) return step.value
        // What it pushed itself, before its end, is behind it.
        this.#waiting.splice(this.#waiting.indexOf(first), 1)
      }
    } catch (error) {
      this.#fail(error)
    }
    return undefined
  }

  async #nextPage(): Promise<void> {
    this.#pulling = true
    try {
      const page = await this.#pull()
      if (page) this.#waiting.unshift(page[Symbol.iterator]())
      else this.#exhausted = true
      await pause(this.#host)
    } catch (error) {
      this.#fail(error)
    }
    this.#pulling = false
    this.#wake()
  }

  #fail(error: unknown): void {
    this.#failure ??= { error }
    this.close()
  }

  #wake(): void {
    for (const resolve of this.#waiters.splice(0)) resolve()
  }
}
