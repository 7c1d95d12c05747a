/** The queue from which the workers of a run take their tasks: what a query waits for, re-offers, the pages, and then what must run alone. */
import type { Host } from '../contracts/host.ts'
import { pause } from './slices.ts'

/** One thing to do. It never rejects for a block's failure; a rejection ends the whole queue. */
export type Task = () => Promise<void>

/**
 * It ends when nothing can come back: no task runs, none waits for its backoff, no page is left. It pulls a page only when a worker
 * has nothing else to do: that is the backpressure. A list of tasks may be a generator, which makes each when a worker is free.
 */
export class WorkQueue {
  readonly #host: Host
  readonly #pull: () => Promise<Iterable<Task> | undefined>
  /** Ahead of all lists, in this order. */
  readonly #first: Task[] = []
  /** The last list is taken first; the page is the first one. */
  readonly #lists: Iterator<Task>[] = []
  readonly #alone: { readonly task: Task; readonly rank: number }[] = []
  readonly #ended = Promise.withResolvers<void>()
  #workers = 0
  #running = 0
  #holds = 0
  #pages: 'more' | 'pulling' | 'none' = 'more'
  #runsAlone = false
  #filling = false
  #readsAhead = false
  #closed = false
  #failure: { readonly error: unknown } | undefined

  /** `pull` gives the next page of tasks, or undefined after the last; its rejection ends the queue. */
  constructor(host: Host, pull: () => Promise<Iterable<Task> | undefined>) {
    this.#host = host
    this.#pull = pull
  }

  /** Runs at most `workers` tasks at once. Rejects, after all running tasks ended, with the first failure. */
  async run(workers: number): Promise<void> {
    this.#workers = workers
    this.#fill()
    await this.#ended.promise
    if (this.#failure) throw this.#failure.error
  }

  /** Ahead of everything that waits. Ignored once closed. */
  pushFront(tasks: Iterable<Task>): void {
    this.#lists.push(tasks[Symbol.iterator]())
    this.#fill()
  }

  /** Ahead of everything, behind what was pushed so before. Ignored once closed. */
  pushFirst(task: Task): void {
    this.#first.push(task)
    this.#fill()
  }

  /** Pulls all pages that are left before what is on them is worked off: until then one worker goes on with that. */
  readAhead(): void {
    this.#readsAhead = true
    this.#fill()
  }

  /** To be run last, one at a time, with nothing beside it: a lower rank before a higher one. */
  pushAlone(task: Task, rank: number): void {
    this.#alone.push({ task, rank })
    this.#alone.sort((a, b) => a.rank - b.rank)
  }

  /** Keeps the queue open for something that will be pushed later; call the result once, when it was or never will be. */
  hold(): () => void {
    this.#holds++
    return () => {
      this.#holds--
      this.#fill()
    }
  }

  /** Nothing more is taken; what runs goes on to its end. */
  close(): void {
    this.#closed = true
    this.#fill()
  }

  /** True once nothing pushed would be run any more. */
  get closed(): boolean {
    return this.#closed
  }

  /** Starts what may start now, or ends the queue where nothing can come any more. */
  #fill(): void {
    // A task that pushes another one at its start is called by this loop, which then takes that one, too.
    if (this.#filling) return
    this.#filling = true
    if (this.#readsAhead && this.#pages === 'more' && !this.#closed) void this.#nextPage()
    while (this.#running < this.#workers && !this.#runsAlone && !this.#closed) {
      const waits = this.#readsAhead && this.#pages !== 'none' && this.#running > 0
      const task = this.#first.shift() ?? (waits ? undefined : this.#next())
      if (task) void this.#work(task)
      else if (waits) break
      else if (this.#pages === 'more') void this.#nextPage()
      else {
        this.#startAlone()
        break
      }
    }
    this.#filling = false
    if (this.#closed && this.#running === 0 && this.#pages !== 'pulling') this.#ended.resolve()
  }

  /** Nothing waits and no page is left: the next of those that run alone, once nothing can come back. After them the queue ends. */
  #startAlone(): void {
    if (this.#running > 0 || this.#holds > 0 || this.#pages === 'pulling') return
    const next = this.#alone.shift()
    this.#runsAlone = next !== undefined
    if (next) void this.#work(next.task)
    else this.#closed = true
  }

  async #work(task: Task): Promise<void> {
    this.#running++
    try {
      await task()
    } catch (error) {
      this.#fail(error)
    }
    // Most tasks only await what is settled already.
    await pause(this.#host)
    this.#running--
    this.#runsAlone = false
    this.#fill()
  }

  #next(): Task | undefined {
    try {
      for (let list = this.#lists.at(-1); list; list = this.#lists.at(-1)) {
        const step = list.next()
        if (!step.done) return step.value
        // A list that was pushed by the last step of this one is behind it.
        this.#lists.splice(this.#lists.indexOf(list), 1)
      }
    } catch (error) {
      this.#fail(error)
    }
    return undefined
  }

  async #nextPage(): Promise<void> {
    this.#pages = 'pulling'
    let page: Iterable<Task> | undefined
    try {
      page = await this.#pull()
    } catch (error) {
      this.#fail(error)
    }
    await pause(this.#host)
    if (page) this.#lists.unshift(page[Symbol.iterator]())
    this.#pages = page ? 'more' : 'none'
    this.#fill()
  }

  #fail(error: unknown): void {
    this.#failure ??= { error }
    this.close()
  }
}
