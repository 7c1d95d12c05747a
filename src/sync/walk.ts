/** The way of a run's blocks: page by page from the source, segment by segment, and through the last one into the add. */
import type { Context } from '@opentelemetry/api'
import { inSlices, pause } from '../async/slices.ts'
import { type Task, WorkQueue } from '../async/work-queue.ts'
import type { BlockId, Candidate } from '../contracts/block.ts'
import { errorFields } from '../contracts/errors.ts'
import type { OwnershipChange } from '../contracts/ownership.ts'
import type { Before, RunContext, Tail } from '../contracts/stage.ts'
import { Listing } from '../pipeline/listing.ts'
import type { Engine } from './engine.ts'
import { type Flow, timed } from './flow.ts'
import { Offers } from './offers.ts'
import { isKnown, type View } from './view.ts'

const PAGE = 1_000
/** Blocks that go ahead of the others at the same time: a query of all times must not turn the order round. */
const MAX_WANTED = 64

/** The next blocks, or undefined after the last. */
type Pages = () => Promise<readonly Candidate[] | undefined>

export class Walk {
  readonly #engine: Engine
  readonly #run: RunContext
  readonly #view: View
  readonly #flow: Flow
  readonly #context: Context
  #queue: WorkQueue | undefined
  #offers: Offers | undefined
  #closed = false
  /** Blocks that a query waits for and that are still to be found among those that are offered. */
  readonly #wanted = new Set<BlockId>()
  #looking = Promise.resolve()
  /** Blocks that went ahead, and whose place in the order is still to come. */
  readonly #ahead = new Set<BlockId>()
  /** More blocks may come from the source. */
  listing = false
  /** All blocks that this run offers to the add are known. */
  offering = false

  constructor(engine: Engine, run: RunContext, view: View, flow: Flow, context: Context) {
    this.#engine = engine
    this.#run = run
    this.#view = view
    this.#flow = flow
    this.#context = context
  }

  /** Takes nothing more; what is in flight goes on to its end. */
  close(): void {
    this.#closed = true
    this.#queue?.close()
  }

  /** Cancels the backoffs that still wait. */
  stop(): void {
    this.#offers?.stop()
  }

  onOwnershipChange(change: OwnershipChange): void {
    this.#offers?.onChange(change)
  }

  /**
   * Blocks that a query waits for: those that wait for their turn in the last segment have it before all others. What the stages and
   * the ownership plugin say of them stays. What is left of the listing is read at once: the query does not know what it misses before.
   */
  want(ids: Iterable<BlockId>): void {
    for (const id of ids) if (this.#wanted.size < MAX_WANTED) this.#wanted.add(id)
    if (!this.#offers) return
    this.#queue?.readAhead()
    this.#lookForWanted(this.#offers)
  }

  /** Asks the source, and takes what it shows through all segments. Rejects where the source or a set stage fails. */
  async fromSource(): Promise<void> {
    await this.#ask(undefined, listing => this.#throughAll(() => this.#nextPage(listing)))
  }

  /** What the source shows as new, and all that was seen before: where something moved, through all segments. */
  async tail({ pages, compare }: Tail, before: Before): Promise<void> {
    const view = this.#view
    const all = await this.#ask(pages, async listing => {
      const { all, kept } = await compare(() => listing.next(), before, this.#engine, this.#run.now)
      Object.assign(view, kept, { complete: listing.complete, cause: listing.cause })
      return all
    })
    const blocks = all && (await this.#flow.see(all))
    if (blocks) view.offered = [...blocks]
    this.offering = view.complete && (!blocks || this.#engine.plan.segments.length === 1)
    await (blocks ? this.#throughAll(paged(blocks)) : this.again(true))
  }

  async #ask<T>(pages: Tail['pages'] | undefined, use: (listing: Listing) => Promise<T>): Promise<T> {
    const listing = new Listing(this.#engine, this.#run, this.#context, pages)
    this.listing = true
    try {
      return await use(listing)
    } finally {
      await listing.close()
      this.listing = false
    }
  }

  async #throughAll(pages: Pages): Promise<void> {
    const last = this.#engine.plan.segments.length - 1
    for (let at = 0; at < last; at++) {
      const passed = await this.#filter(at, pages)
      if (this.#isStopped) return
      this.#view.inputs[at] = passed
      this.#view.offered = await this.#flow.barrier(at, passed)
      if (this.#isStopped) return
      pages = paged(this.#view.offered)
    }
    if (last > 0) this.offering = isKnown(this.#view)
    await this.#offer(pages, true)
  }

  /** Offers again, without asking the source, what the view of an earlier run has no verdict on. */
  async again(relists: boolean): Promise<void> {
    const { offered, outcomes } = this.#view
    await this.#offer(
      paged(offered, ({ meta }) => !outcomes.has(meta.ulid)),
      relists,
    )
  }

  get #isStopped(): boolean {
    return this.#closed || this.#run.signal.aborted
  }

  async #nextPage(listing: Listing): Promise<readonly Candidate[] | undefined> {
    const isOnly = this.#engine.plan.segments.length === 1
    const page = await timed(this.#engine, this.#engine.plan.source.name, () => listing.next())
    if (page) {
      const blocks = await this.#flow.see(page)
      for (const block of isOnly ? blocks : []) {
        this.#view.offered.push(block)
        if (this.#wanted.delete(block.meta.ulid)) this.#first(block)
      }
      return blocks
    }
    this.#view.complete = listing.complete
    this.#view.cause = listing.cause
    this.#view.restsOn = listing.restsOn
    this.offering = isOnly && isKnown(listing)
    this.listing = false
    // Those that no page had are not waited for any longer.
    if (this.#offers && this.#wanted.size > 0) this.#lookForWanted(this.#offers)
    return undefined
  }

  /** Blocks through a segment that ends at a barrier. Their order stays. */
  async #filter(at: number, pages: Pages): Promise<Candidate[]> {
    const passed: (Candidate | undefined)[] = []
    const queue = this.#queueOf(pages, candidate => {
      const place = passed.push(undefined) - 1
      return async () => {
        if (await this.#flow.filter(at, candidate)) passed[place] = candidate
      }
    })
    await this.#runQueue(queue)
    const out: Candidate[] = []
    await inSlices(this.#engine.host, passed, candidate => candidate && out.push(candidate))
    return out
  }

  /** Blocks through the last segment. Where `relists`, and it takes longer than the interval, the bucket is listed again. */
  async #offer(pages: Pages, relists: boolean): Promise<void> {
    const { host, pace } = this.#engine
    const queue = this.#queueOf(pages, candidate => this.#offerTask(candidate))
    this.#offers = new Offers(this.#engine, queue, (candidate, number) => this.#flow.offer(candidate, number))
    let timer: Disposable | undefined
    const arm = () => {
      timer = host.setTimer(pace.ms, () => queue.pushFront([() => this.#relist().finally(arm)]))
    }
    if (relists) arm()
    if (this.#wanted.size > 0) this.want([])
    try {
      await this.#runQueue(queue)
    } finally {
      timer?.[Symbol.dispose]()
    }
  }

  #offerTask(candidate: Candidate): Task | undefined {
    const id = candidate.meta.ulid
    if (this.#ahead.delete(id)) return undefined
    const task = this.#offers?.task(candidate)
    const crashes = this.#suspected(id)
    if (!task || crashes === 0) return task
    // It was in flight when the process crashed: last, and alone, after those with fewer crashes.
    this.#queue?.pushAlone(task, crashes)
    return undefined
  }

  #lookForWanted(offers: Offers): void {
    this.#looking = this.#looking.then(async () => {
      await offers.first(this.#wanted)
      let steps = 0
      for (const candidate of this.#view.offered) {
        if (this.#wanted.size === 0 || this.#closed) return
        if (this.#wanted.delete(candidate.meta.ulid)) this.#first(candidate)
        if (++steps % 16 === 0) await pause(this.#engine.host)
      }
      if (!this.listing) this.#wanted.clear()
    })
  }

  /** The block's turn is now, unless it had it, or may not have it beside others. */
  #first(candidate: Candidate): void {
    const id = candidate.meta.ulid
    const task = this.#offers?.task(candidate)
    const had = this.#view.outcomes.has(id) || this.#flow.isInFlight(id) || this.#ahead.has(id)
    if (!task || had || this.#suspected(id) > 0) return
    this.#ahead.add(id)
    this.#queue?.pushFirst(task)
  }

  /** How often the process crashed while the block was loaded. */
  #suspected(id: BlockId): number {
    return this.#engine.plan.sink.stage.loaded().has(id) ? 0 : this.#engine.journal.crashes(id)
  }

  /**
   * The run is older than the interval: blocks that came meanwhile go through the stages and to the head of the queue.
   * It is one task of the pool, so its blocks go one after another: they are few, and the bound of the pool holds.
   */
  async #relist(): Promise<void> {
    const { host, plan } = this.#engine
    let fresh: Candidate[] = []
    const listing = new Listing(this.#engine, this.#run, this.#context)
    try {
      for (let page = await listing.next(); page; page = await listing.next()) {
        for (const candidate of await this.#flow.see(page)) fresh.push(candidate)
      }
    } catch (error) {
      host.log.warn('listing again during a long run failed', errorFields(error))
    }
    for (let at = 0; at < plan.segments.length - 1; at++) {
      const passed: Candidate[] = []
      for (const candidate of fresh) {
        if (await this.#flow.filter(at, candidate)) passed.push(candidate)
        await pause(host)
      }
      const inputs = [...(this.#view.inputs[at] ?? []), ...passed]
      this.#view.inputs[at] = inputs
      fresh = await this.#flow.barrier(at, inputs, new Set(passed.map(c => c.meta.ulid)))
    }
    this.#view.offered = [...fresh, ...this.#view.offered]
    this.#queue?.pushFront(tasksOf(fresh, candidate => this.#offerTask(candidate)))
  }

  #queueOf(pages: Pages, task: (candidate: Candidate) => Task | undefined): WorkQueue {
    return new WorkQueue(this.#engine.host, async () => {
      const blocks = await pages()
      return blocks && tasksOf(blocks, task)
    })
  }

  async #runQueue(queue: WorkQueue): Promise<void> {
    this.#queue = queue
    if (this.#isStopped) queue.close()
    await queue.run(this.#engine.concurrency)
  }
}

/** A list in pages, so that nothing is made for blocks whose turn is far away. */
function paged(blocks: readonly Candidate[], wanted: (block: Candidate) => boolean = () => true): Pages {
  let at = 0
  return async () => {
    if (at >= blocks.length) return undefined
    const page = blocks.slice(at, at + PAGE)
    at += PAGE
    return page.filter(wanted)
  }
}

/** A task for each block, made when a worker takes it; none where `task` gives none. */
function* tasksOf(blocks: readonly Candidate[], task: (block: Candidate) => Task | undefined): Generator<Task, void> {
  for (const block of blocks) {
    const made = task(block)
    if (made) yield made
  }
}
