/** One run: pages of the listing go through the stages into the sink; then loaded blocks that may go are dropped, and the run is summed up. */
import { ROOT_CONTEXT, type SpanContext } from '@opentelemetry/api'
import { type LinkedSignal, limited, linkSignals, manyFollow } from '../async/signals.ts'
import { inSlices } from '../async/slices.ts'
import type { BlockId } from '../contracts/block.ts'
import { BlockMap, BlockSet } from '../contracts/block-map.ts'
import { BlockgateError } from '../contracts/errors.ts'
import type { Epoch, OwnershipChange } from '../contracts/ownership.ts'
import type { Before, RunContext, RunReason, Tail } from '../contracts/stage.ts'
import { currentTraces, type RunTrace } from '../pipeline/traces.ts'
import type { Engine } from './engine.ts'
import { Flow } from './flow.ts'
import { type Dropping, dropDamaged, type LoadedResult, reconcile } from './reconcile.ts'
import { causeOf, logDrops, logFailures, type RunEnd, type RunProgress, summarise } from './run-result.ts'
import { emptyView, type Offered, type View } from './view.ts'
import { Walk } from './walk.ts'

export interface RunRequest {
  readonly id: string
  readonly reason: RunReason
  readonly confirmDrops: boolean
  /** Spans of those who asked for it. */
  readonly asked: readonly SpanContext[]
  /** Set for an ownership-change run: the view of the run before, which it goes over again instead of listing the bucket. */
  readonly previous?: View | undefined
  /** Set for a run that may list new blocks alone. */
  readonly before?: Before | undefined
}

export class Run {
  readonly #engine: Engine
  readonly #request: RunRequest
  readonly #view: View
  readonly #link: LinkedSignal
  readonly #started: number
  readonly #loaded = new BlockSet()
  /** What became of loaded blocks at the end of the run. */
  readonly #dropped = new BlockMap<LoadedResult>()
  #retained = 0
  readonly #context: RunContext
  readonly #tail: Tail | undefined
  readonly #trace: RunTrace | undefined
  readonly #flow: Flow
  readonly #walk: Walk
  #draining = false

  constructor(engine: Engine, request: RunRequest, signal: AbortSignal) {
    const { host, plan, instance, catalogue, metrics } = engine
    const { id, reason, previous, before, asked } = request
    this.#engine = engine
    this.#request = request
    this.#link = linkSignals(signal)
    manyFollow(this.#link.signal)
    this.#started = host.monotonic()
    this.#context = { id, reason, now: host.now(), signal: this.#link.signal, loaded: this.#loaded }
    this.#tail = before && plan.source.stage.tail?.(this.#context)
    this.#view = previous ?? emptyView(plan.segments.length - 1, this.#tail ? 'new' : 'all')
    this.#trace = currentTraces()?.run({
      host,
      id,
      reason,
      instance: instance.id,
      asked,
      memory: catalogue,
      ownership: plan.ownership,
      metrics,
    })
    this.#flow = new Flow(engine, this.#context, this.#view, this.#trace)
    this.#walk = new Walk(engine, this.#context, this.#view, this.#flow, this.#trace?.context ?? ROOT_CONTEXT)
  }

  get progress(): RunProgress {
    const { id, reason } = this.#request
    const { seen, partial, outcomes } = this.#view
    const { inFlight, failed, bytes } = this.#flow
    return {
      ...{ id, startedAt: this.#context.now, reason, listing: this.#walk.listing, inFlight, failed, bytes },
      seen: seen.size + partial.size,
      done: outcomes.size + partial.size,
    }
  }

  /** All that the run offers to the add, and what became of it so far; undefined while that is not known. */
  get offers(): Offered | undefined {
    return this.#walk.offering ? this.#view : undefined
  }

  /** Ownership moved: what was denied and is affected is offered again, in this run. */
  onOwnershipChange(change: OwnershipChange): void {
    this.#walk.onOwnershipChange(change)
  }

  /** As in Walk. */
  want(ids: Iterable<BlockId>): void {
    this.#walk.want(ids)
  }

  /** Takes nothing more; what is in flight goes on to its end. */
  drain(): void {
    this.#draining = true
    this.#walk.close()
  }

  /** Aborts what is in flight. */
  abort(reason: unknown): void {
    this.drain()
    this.#link.abort(reason)
  }

  /** Never rejects: a failed run is a result. */
  async execute(): Promise<RunEnd> {
    const { plan, budget } = this.#engine
    let error: BlockgateError | undefined
    let epoch: Epoch = Number.NaN
    try {
      epoch = plan.ownership.epoch()
      await this.#begin()
      const { previous, before } = this.#request
      if (previous) await this.#walk.again(false)
      else await (before && this.#tail ? this.#walk.tail(this.#tail, before) : this.#walk.fromSource())
      if (!this.#stopped) await this.#reconcile()
      const told = this.#engine.advertised.told()
      await limited(this.#engine, this.#link.signal, `${plan.ownership.name}: serve()`, told)
    } catch (thrown) {
      if (!this.#stopped) error = BlockgateError.from(thrown)
    } finally {
      this.#walk.stop()
      this.#flow.end()
      this.#link[Symbol.dispose]()
    }
    const result = await this.#result(this.#stopped ? 'stopped' : error ? 'failed' : 'done', error)
    return { result, view: this.#view, epoch, room: budget.short && result.dropped.length > 0 }
  }

  get #stopped(): boolean {
    return this.#draining || this.#link.signal.aborted
  }

  /** Notes what is loaded, and lets go of damaged copies, so that they are loaded again. */
  async #begin(): Promise<void> {
    const { host, plan, budget } = this.#engine
    await inSlices(host, plan.sink.stage.loaded().keys(), id => this.#loaded.add(id))
    const damaged = plan.sink.stage.damaged?.()
    // An ownership-change run does not load them again.
    if (damaged?.size && !this.#request.previous) await dropDamaged(this.#dropping, [...damaged])
    budget.count()
  }

  get #dropping(): Dropping {
    const leaving: Dropping['leaving'] = this.#trace && (meta => this.#flow.leaving(meta))
    const settle = (id: BlockId, result: LoadedResult) => this.#settle(id, result)
    return { engine: this.#engine, signal: this.#link.signal, leaving, settle }
  }

  #settle(id: BlockId, result: LoadedResult): void {
    const { plan, catalogue, metrics } = this.#engine
    this.#flow.settled(id, result)
    const isLoaded = result.kind === 'retained' || plan.sink.stage.loaded().has(id)
    catalogue.settle(id, result, this.#request.id, isLoaded)
    metrics?.settled(result.kind, result.reason)
  }

  async #reconcile(): Promise<void> {
    const { host, plan, catalogue, faults, journal, absences, asked, state } = this.#engine
    const dropping = this.#dropping
    const settle = (id: BlockId, result: LoadedResult) => {
      if (result.kind === 'dropped') this.#dropped.set(id, result)
      else this.#retained++
      dropping.settle(id, result)
    }
    const { confirmDrops } = this.#request
    await reconcile({ ...dropping, settle, view: this.#view, before: this.#loaded, confirmDrops })
    const loaded = plan.sink.stage.loaded()
    const { listed, complete, seen, partial } = this.#view
    if (listed === 'all' && complete) {
      const isThere = (id: BlockId) => seen.has(id) || partial.has(id) || loaded.has(id)
      await catalogue.forgetAbsent(isThere)
      faults.guard('journal', () => journal.forgetAbsent(isThere))
      faults.guard('ownership.offered', () => plan.ownership.offered?.(this.#view.offered))
    }
    const kept = Promise.all([...[absences, asked].map(ids => ids.save(state, host)), this.#trace?.write(state)])
    await limited(this.#engine, this.#link.signal, 'writing what a person is asked', kept)
  }

  async #result(status: RunEnd['result']['status'], thrown: BlockgateError | undefined): Promise<RunEnd['result']> {
    const { host, plan, faults, asked } = this.#engine
    const { id, reason } = this.#request
    const summary = await summarise(
      host,
      plan,
      this.#view,
      { dropped: this.#dropped.size, retained: this.#retained },
      {
        id,
        reason,
        complete: status === 'done' && this.#view.complete,
        restsOn: this.#view.restsOn,
        listed: this.#view.listed,
        durationMs: Math.round(host.monotonic() - this.#started),
      },
    )
    const { told } = this.#engine
    const code = thrown?.code
    this.#trace?.end(summary, thrown, status === 'stopped' ? code : told.error)
    if (status !== 'stopped') told.error = code
    if (status !== 'stopped') await logFailures(host, summary, this.#view)
    let error = thrown
    if (status === 'done') {
      // If the sink cannot say how many it has, 1: then "nothing is served" is not reported.
      const held = faults.guard('sink.loaded', () => plan.sink.stage.loaded().size) ?? 1
      error = await causeOf(host, this.#view, summary, held + summary.blocks.dropped)
    }
    const dropped = await logDrops(host, id, this.#dropped)
    const { outcomes } = this.#view
    return { status, summary, error, unconfirmed: asked.size, startedAt: this.#context.now, outcomes, dropped }
  }
}
