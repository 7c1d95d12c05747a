/** One run: the source's pages through the segments, over the barriers, into the sink; then what may go. */

import { type LinkedSignal, limited, linkSignals, orAborted } from '../async/signals.ts'
import { inSlices, pause } from '../async/slices.ts'
import { type Task, WorkQueue } from '../async/work-queue.ts'
import type { BlockId, Candidate } from '../contracts/block.ts'
import { BlockSet } from '../contracts/block-map.ts'
import { BlockgateError, codeOf, ErrorCode, rawMessageOf } from '../contracts/errors.ts'
import type { Epoch, OwnershipChange } from '../contracts/ownership.ts'
import type { Outcome, RunContext, RunReason } from '../contracts/stage.ts'
import { Listing } from '../pipeline/listing.ts'
import type { Engine } from './engine.ts'
import { logFailures } from './failure-log.ts'
import { Flow } from './flow.ts'
import { Offers } from './offers.ts'
import { type LoadedResult, reconcile } from './reconcile.ts'
import { causeOf } from './run-cause.ts'
import type { RunEnd, RunProgress } from './run-result.ts'
import { endRunSpan, type RunSpan, startRunSpan } from './run-span.ts'
import { summarise } from './summary.ts'
import { timed } from './timed.ts'
import { emptyView, type Offered, type View } from './view.ts'

const PAGE = 1_000

export interface RunRequest {
  readonly id: string
  readonly reason: RunReason
  readonly confirmDrops: boolean
  /** Set for an ownership-change run: the view it looks at again, instead of asking the source; see `again()`. */
  readonly previous?: View | undefined
}

export class Run {
  readonly #engine: Engine
  readonly #request: RunRequest
  readonly #view: View
  readonly #link: LinkedSignal
  readonly #started: number
  /** When the run began; NaN where the plugin could not say. */
  readonly #epoch: Epoch
  /** What kept it from beginning. */
  readonly #broken: { readonly error: unknown } | undefined
  readonly #loaded = new BlockSet()
  readonly #context: RunContext
  readonly #span: RunSpan
  readonly #flow: Flow
  #queue: WorkQueue | undefined
  #offers: Offers | undefined
  #draining = false
  #listing = false
  #offering = false

  constructor(engine: Engine, request: RunRequest, signal: AbortSignal) {
    const { host, plan } = engine
    this.#engine = engine
    this.#request = request
    this.#view = request.previous ?? emptyView(plan.segments.length - 1)
    this.#link = linkSignals(signal)
    this.#started = host.monotonic()
    let epoch = Number.NaN
    try {
      epoch = plan.ownership.epoch()
    } catch (error) {
      this.#broken = { error }
    }
    this.#epoch = epoch
    this.#context = {
      id: request.id,
      reason: request.reason,
      now: host.now(),
      signal: this.#link.signal,
      loaded: this.#loaded,
      resume: undefined,
    }
    this.#span = startRunSpan(request.id, request.reason, engine.instance.id)
    this.#flow = new Flow(engine, this.#context, this.#view, this.#span)
  }

  get progress(): RunProgress {
    return {
      id: this.#request.id,
      startedAt: this.#context.now,
      reason: this.#request.reason,
      seen: this.#view.seen.size + this.#view.partial.size,
      listing: this.#listing,
      done: this.#view.outcomes.size + this.#view.partial.size,
      inFlight: this.#flow.inFlight,
      failed: this.#flow.failed,
      bytes: this.#flow.bytes,
    }
  }

  /** All that the run offers to the add, and what became of it so far; undefined while that is not known. */
  get offers(): Offered | undefined {
    return this.#offering ? this.#view : undefined
  }

  /** Ownership moved: what was denied and is affected is offered again, in this run. */
  onOwnershipChange(change: OwnershipChange): void {
    this.#offers?.onChange(change)
  }

  /** Takes nothing more; what is in flight goes on to its end. */
  drain(): void {
    this.#draining = true
    this.#queue?.close()
  }

  /** Aborts what is in flight. */
  abort(reason: unknown): void {
    this.drain()
    this.#link.abort(reason)
  }

  /** Never rejects: a failed run is a result. */
  async execute(): Promise<RunEnd> {
    const { host, plan, advertised, budget } = this.#engine
    let error: BlockgateError | undefined
    let results: ReadonlyMap<BlockId, LoadedResult> = new Map()
    try {
      if (this.#broken) throw this.#broken.error
      await inSlices(host, plan.sink.stage.loaded().keys(), id => this.#loaded.add(id))
      const damaged = plan.sink.stage.damaged?.()
      // A run that looks again would not offer them.
      if (damaged?.size && !this.#request.previous) {
        const { dropDamaged } = await import('./damaged.ts')
        const { signal } = this.#link
        const gone = dropDamaged(this.#engine, [...damaged], this.#request.id, signal)
        await limited(this.#engine, signal, `${plan.sink.name}: drop()`, gone)
      }
      budget.count()
      await this.#segments()
      if (!this.#stopped) {
        const { confirmDrops } = this.#request
        const { signal } = this.#link
        const urgent = budget.short
        const me = this.#engine.instance.id
        const before = this.#loaded
        const input = { ...this.#engine, me, view: this.#view, before, confirmDrops, urgent, signal }
        results = await orAborted(reconcile(input), signal)
        await this.#note(results)
        const { absences, asked, state } = this.#engine
        const kept = Promise.all([absences, asked].map(ids => ids.save(state, host)))
        await limited(this.#engine, signal, 'writing what a person is asked', kept)
      }
      await limited(this.#engine, this.#link.signal, `${plan.ownership.name}: serve()`, advertised.told())
    } catch (thrown) {
      if (!this.#stopped) error = BlockgateError.from(thrown)
    } finally {
      this.#offers?.stop()
      this.#link[Symbol.dispose]()
    }
    const status = this.#stopped ? 'stopped' : error ? 'failed' : 'done'
    const summary = await summarise(host, plan, this.#view, results, {
      id: this.#request.id,
      reason: this.#request.reason,
      complete: status === 'done' && this.#view.complete,
      durationMs: Math.round(host.monotonic() - this.#started),
    })
    endRunSpan(this.#span.span, summary, error)
    if (status !== 'stopped') await logFailures(host, summary, this.#view)
    if (status === 'done') {
      // Where it is not known, nothing is said of it.
      const held = this.#engine.faults.guard('sink.loaded', () => plan.sink.stage.loaded().size) ?? 1
      error = await causeOf(host, this.#view, summary, held + summary.blocks.dropped)
    }
    const startedAt = this.#context.now
    const { outcomes } = this.#view
    const dropped: BlockId[] = []
    await inSlices(host, results, ([id, { kind }]) => kind === 'dropped' && dropped.push(id))
    const unconfirmed = this.#engine.asked.size
    const result = { status, summary, error, unconfirmed, startedAt, outcomes, dropped } as const
    return { result, view: this.#view, epoch: this.#epoch, room: budget.short && dropped.length > 0 }
  }

  get #stopped(): boolean {
    return this.#draining || this.#link.signal.aborted
  }

  async #segments(): Promise<void> {
    const { segments } = this.#engine.plan
    if (this.#request.previous) {
      const { offered, outcomes } = this.#view
      return this.#lastSegment(paged(offered, ({ meta }) => !outcomes.has(meta.ulid)))
    }
    if (segments.length === 1) {
      return this.#withListing(listing =>
        this.#lastSegment(async () => {
          const blocks = await this.#nextBlocks(listing)
          if (blocks) for (const block of blocks) this.#view.offered.push(block)
          else this.#offering = listing.complete
          return blocks
        }),
      )
    }
    let blocks: Candidate[] = []
    for (let at = 0; at < segments.length - 1 && !this.#stopped; at++) {
      blocks = await this.#filterSegment(at, blocks)
      if (this.#stopped) return
      this.#view.inputs[at] = blocks
      blocks = await this.#flow.barrier(at, blocks)
    }
    if (this.#stopped) return
    this.#view.offered = blocks
    this.#offering = this.#view.complete
    await this.#lastSegment(paged(blocks))
  }

  /** Blocks through a segment that ends at a barrier: the first gets them from the source. Their order stays. */
  async #filterSegment(at: number, given: readonly Candidate[]): Promise<Candidate[]> {
    const passed: (Candidate | undefined)[] = []
    const task = (candidate: Candidate): Task => {
      const place = passed.push(undefined) - 1
      return async () => {
        if (await this.#flow.filter(at, candidate)) passed[place] = candidate
      }
    }
    if (at > 0) await this.#runQueue(this.#queueOf(paged(given), task))
    else await this.#withListing(listing => this.#runQueue(this.#queueOf(() => this.#nextBlocks(listing), task)))
    const out: Candidate[] = []
    await inSlices(this.#engine.host, passed, candidate => candidate && out.push(candidate))
    return out
  }

  /** Offers blocks to the add. While it goes on longer than the interval, the bucket is listed again. */
  async #lastSegment(pages: Pages): Promise<void> {
    const { host, plan, everyMs, metrics } = this.#engine
    const queue = this.#queueOf(pages, c => this.#offerTask(c))
    const attempt = (candidate: Candidate, number: number) => this.#flow.offer(candidate, number)
    const onRetry = ({ by, error }: Outcome & { kind: 'failed' }) =>
      metrics?.retried(by, codeOf(error) ?? ErrorCode.internal)
    const onReoffer = () => metrics?.reoffered(1)
    this.#offers = new Offers({ host, queue, ownership: plan.ownership, attempt, onRetry, onReoffer })
    let timer: Disposable | undefined
    const arm = () => {
      timer = host.setTimer(everyMs, () => queue.pushFront([() => this.#relist().finally(arm)]))
    }
    if (!this.#request.previous) arm()
    try {
      await this.#runQueue(queue)
    } finally {
      timer?.[Symbol.dispose]()
    }
  }

  #offerTask(candidate: Candidate): Task | undefined {
    const id = candidate.meta.ulid
    const task = this.#offers?.task(candidate)
    const crashes = this.#engine.journal.crashes(id)
    if (!task || crashes === 0 || this.#engine.plan.sink.stage.loaded().has(id)) return task
    // It was in flight when the process crashed: last, and alone, after those with fewer crashes.
    this.#queue?.pushAlone(task, crashes)
    return undefined
  }

  /**
   * The run is older than the interval: blocks that came meanwhile go through the stages and to the head of the queue.
   * It is one task of the pool, so its blocks go one after another: they are few, and the bound of the pool holds.
   */
  async #relist(): Promise<void> {
    const { host, plan } = this.#engine
    let fresh: Candidate[] = []
    const listing = new Listing(this.#engine, this.#context, this.#span.context)
    try {
      for (let page = await listing.next(); page; page = await listing.next()) {
        for (const candidate of await this.#flow.see(page)) fresh.push(candidate)
      }
    } catch (error) {
      host.log.warn('listing again during a long run failed', { code: codeOf(error), error: rawMessageOf(error) })
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

  async #withListing(work: (listing: Listing) => Promise<void>): Promise<void> {
    const listing = new Listing(this.#engine, this.#context, this.#span.context)
    this.#listing = true
    try {
      await work(listing)
      this.#view.complete = listing.complete
      this.#view.cause = listing.cause
    } finally {
      await listing.close()
      this.#listing = false
    }
  }

  async #nextBlocks(listing: Listing): Promise<readonly Candidate[] | undefined> {
    const page = await timed(this.#engine, this.#engine.plan.source.name, () => listing.next())
    if (page) return this.#flow.see(page)
    this.#listing = false
    return undefined
  }

  #queueOf(pages: Pages, task: (candidate: Candidate) => Task | undefined): WorkQueue {
    return new WorkQueue(this.#engine.host, async () => {
      const blocks = await pages()
      return blocks && tasksOf(blocks, task)
    })
  }

  async #runQueue(queue: WorkQueue): Promise<void> {
    this.#queue = queue
    if (this.#stopped) queue.close()
    await queue.run(this.#engine.concurrency)
  }

  async #note(results: ReadonlyMap<BlockId, LoadedResult>): Promise<void> {
    const { catalogue, faults, host, journal, plan, metrics } = this.#engine
    const loaded = plan.sink.stage.loaded()
    await inSlices(host, results, ([id, result]) => {
      catalogue.settle(id, result, this.#request.id, loaded.has(id))
      metrics?.settled(result.kind, result.reason)
    })
    const { listed, complete, seen, partial } = this.#view
    if (!listed || !complete) return
    const isThere = (id: BlockId) => seen.has(id) || partial.has(id) || loaded.has(id)
    await catalogue.forgetAbsent(isThere)
    faults.guard('journal', () => journal.forgetAbsent(isThere))
  }
}

type Pages = () => Promise<readonly Candidate[] | undefined>

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

/** A task for each block, made when a lane takes it; none where `task` gives none. */
function* tasksOf(blocks: readonly Candidate[], task: (block: Candidate) => Task | undefined): Generator<Task, void> {
  for (const block of blocks) {
    const made = task(block)
    if (made) yield made
  }
}
