/** How the blocks of one run move: seen on a page, through a segment, past a barrier; each step is written down. */
import { ROOT_CONTEXT } from '@opentelemetry/api'
import { inSlices } from '../async/slices.ts'
import type { BlockId, BlockMeta, Candidate } from '../contracts/block.ts'
import { BlockgateError, ErrorCode } from '../contracts/errors.ts'
import type { Outcome, Page, PartialBlock, RunContext } from '../contracts/stage.ts'
import { note } from '../contracts/summary.ts'
import { attempt } from '../pipeline/attempt.ts'
import { select } from '../pipeline/barrier.ts'
import { BlockTrace } from '../pipeline/block-trace.ts'
import { skippedBy } from '../pipeline/outcome.ts'
import type { RunTrace } from '../pipeline/traces.ts'
import type { Engine } from './engine.ts'
import { retries } from './offers.ts'
import type { LoadedResult } from './reconcile.ts'
import { partialOutcome } from './run-result.ts'
import type { View } from './view.ts'

export class Flow {
  readonly #engine: Engine
  readonly #run: RunContext
  readonly #view: View
  readonly #trace: RunTrace | undefined
  /** Traces that have not ended: of blocks that wait at a barrier or are tried again, and of loaded ones that may go. */
  readonly #traces = new Map<BlockId, BlockTrace>()
  readonly #inFlight = new Set<BlockId>()
  /** Who may stop a block in the last segment. */
  readonly #last: ReadonlySet<string>
  #failed = 0
  #bytes = 0

  constructor(engine: Engine, run: RunContext, view: View, trace: RunTrace | undefined) {
    this.#engine = engine
    this.#run = run
    this.#view = view
    this.#trace = trace
    const { segments, sink } = engine.plan
    this.#last = new Set([...(segments.at(-1)?.stages ?? []), sink].map(({ name }) => name))
  }

  /** Attempts that run now. */
  get inFlight(): number {
    return this.#inFlight.size
  }

  isInFlight(id: BlockId): boolean {
    return this.#inFlight.has(id)
  }

  /** Blocks whose last verdict is a failure. */
  get failed(): number {
    return this.#failed
  }

  /** Of the blocks that were added, as the sink counts them. */
  get bytes(): number {
    return this.#bytes
  }

  /** Notes what a page shows; gives back the blocks that no page of this run had before. */
  async see(page: Page): Promise<readonly Candidate[]> {
    const { catalogue, host, plan } = this.#engine
    await inSlices(host, page.partial, partial => {
      if (this.#view.seen.has(partial.id)) return
      this.#blockTrace(partial.id).finish(partialOutcome(plan.source.name, partial))
      this.#countFailure(isBroken(this.#view.partial.get(partial.id)), isBroken(partial))
      this.#view.partial.set(partial.id, partial)
      catalogue.partial(partial, this.#run.id, plan.source.name, this.#loaded(partial.id))
    })
    const fresh: Candidate[] = []
    await inSlices(host, page.blocks, candidate => {
      const id = candidate.meta.ulid
      if (this.#view.seen.has(id)) return
      this.#view.seen.set(id, candidate)
      this.#countFailure(isBroken(this.#view.partial.get(id)), false)
      this.#view.partial.delete(id)
      const before = catalogue.get(id)?.candidate
      if (!before) this.#view.came++
      note(this.#view.notes, candidate, before, host.log)
      catalogue.seen(candidate)
      fresh.push(candidate)
    })
    return fresh
  }

  /** A block through segment `at`, which ends at a barrier. True: it passed. */
  async filter(at: number, candidate: Candidate): Promise<boolean> {
    const trace = this.#blockTrace(candidate.meta.ulid)
    const outcome = await this.#attempt(at, candidate, trace)
    if (outcome.kind === 'passed') this.#keep(candidate, trace, 'barrier')
    else this.#conclude(candidate, outcome, trace)
    return outcome.kind === 'passed'
  }

  /** A block through the last segment: try number `attempt`. */
  async offer(candidate: Candidate, number: number): Promise<Outcome> {
    const last = this.#engine.plan.segments.length - 1
    const trace = this.#blockTrace(candidate.meta.ulid)
    trace.enterLast(this.#last)
    const outcome = await this.#attempt(last, candidate, trace)
    this.#conclude(candidate, outcome, trace, retries(outcome, number))
    return outcome
  }

  /** The trace of a loaded block that may go. */
  leaving(meta: BlockMeta): BlockTrace {
    const trace = this.#blockTrace(meta.ulid)
    this.#traces.set(meta.ulid, trace)
    return trace
  }

  /** What the end of the run did with a loaded block; told before the catalogue is. */
  settled(id: BlockId, result: LoadedResult): void {
    if (!this.#trace) return
    const isOpen = this.#traces.has(id)
    // It was kept because its add failed: that is told.
    if (!isOpen && result.kind === 'retained' && this.#view.outcomes.get(id)?.kind === 'failed') return
    if (!isOpen && !this.#trace.isNews(id, result)) return
    this.#blockTrace(id).finish(result)
  }

  /** Ends what waits for something that does not come any more. A block that was retained before still is: the catalogue says the same. */
  end(): void {
    const isRetained = (id: BlockId) => this.#engine.catalogue.get(id)?.events.at(-1)?.kind === 'retained'
    for (const [id, trace] of this.#traces) if (trace.outcome && !isRetained(id)) trace.finish(trace.outcome)
    this.#traces.clear()
  }

  /**
   * The set stage at the end of segment `at`. `only`: the blocks whose verdict counts now, the others had theirs.
   * @returns the blocks that go on, in the stage's order
   */
  async barrier(at: number, blocks: readonly Candidate[], only?: ReadonlySet<BlockId>): Promise<Candidate[]> {
    const stage = this.#engine.plan.segments[at]?.barrier
    if (!stage) return [...blocks]
    const ask = () => select(this.#engine, stage, blocks, this.#run, this.#trace?.context ?? ROOT_CONTEXT)
    const { byId, selections, going } = await timed(this.#engine, stage.name, ask)
    await inSlices(this.#engine.host, selections, ({ id, skip, supersededBy }) => {
      const candidate = byId.get(id)
      if (!candidate || skip === undefined || (only && !only.has(id))) return
      const parent = supersededBy === undefined ? undefined : byId.get(supersededBy)
      if (parent) this.#view.superseded.set(id, parent.meta)
      const detail = supersededBy && `${supersededBy} holds all of it`
      const trace = this.#blockTrace(candidate.meta.ulid)
      trace.say('duplicateOf', supersededBy)
      this.#conclude(candidate, skippedBy(stage.name, skip, detail), trace)
    })
    const now = this.#trace?.clock()
    if (now !== undefined) {
      await inSlices(this.#engine.host, going, ({ meta }) => this.#traces.get(meta.ulid)?.waitForSlot(now))
    }
    return only ? going.filter(block => only.has(block.meta.ulid)) : going
  }

  async #attempt(at: number, candidate: Candidate, trace: BlockTrace): Promise<Outcome> {
    const chain = this.#engine.chains[at]
    if (!chain) throw new BlockgateError(ErrorCode.internal, `segment ${at} must exist`)
    const loaded = this.#loaded(candidate.meta.ulid)
    this.#inFlight.add(candidate.meta.ulid)
    const outcome = await attempt(this.#engine, this.#run, candidate, loaded, chain, trace)
    this.#inFlight.delete(candidate.meta.ulid)
    return outcome
  }

  #conclude(candidate: Candidate, outcome: Outcome, trace: BlockTrace, isRetried = false): void {
    const id = candidate.meta.ulid
    trace.outcome = outcome
    if (isRetried) this.#keep(candidate, trace, 'retry')
    // What becomes of it is said by the end of the run.
    else if (outcome.kind === 'skipped' && this.#loaded(id)) this.#keep(candidate, trace)
    else trace.finish(outcome)
    // A block that is tried again, or offered again, counts once.
    this.#countFailure(this.#view.outcomes.get(id)?.kind === 'failed', outcome.kind === 'failed')
    if (outcome.kind === 'added') this.#bytes += this.#engine.plan.sink.stage.loaded().get(id)?.bytes ?? 0
    this.#view.outcomes.set(id, outcome)
    this.#engine.catalogue.settle(id, outcome, this.#run.id, this.#loaded(id))
  }

  #countFailure(before: boolean, now: boolean): void {
    this.#failed += Number(now) - Number(before)
  }

  #keep({ meta }: Candidate, trace: BlockTrace, waitsFor?: 'barrier' | 'retry'): void {
    if (!this.#trace) return
    if (waitsFor !== undefined) trace.wait(waitsFor)
    this.#traces.set(meta.ulid, trace)
  }

  /** The one that has not ended, or a new one. */
  #blockTrace(id: BlockId): BlockTrace {
    const carried = this.#traces.get(id)
    this.#traces.delete(id)
    if (carried) return carried
    const { host, metrics } = this.#engine
    return this.#trace ? this.#trace.block(id) : new BlockTrace(host, metrics)
  }

  #loaded(id: BlockId): boolean {
    return this.#engine.plan.sink.stage.loaded().has(id)
  }
}

/** As in `partialOutcome`: with an error it is a failure, without one it is an upload that is not finished. */
function isBroken(partial: PartialBlock | undefined): boolean {
  return partial?.error !== undefined
}

/** Runs `work` as a call of the stage `name`, and tells how long it took, also where it threw. */
export async function timed<T>({ host, metrics }: Engine, name: string, work: () => Promise<T>): Promise<T> {
  if (!metrics) return await work()
  const started = host.monotonic()
  try {
    return await work()
  } finally {
    metrics.stage(name, host.monotonic() - started)
  }
}
