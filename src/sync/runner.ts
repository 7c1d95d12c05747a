/** Many runs: when they begin, why, that there is never more than one, and how they end. */
import { context, ROOT_CONTEXT, type SpanContext } from '@opentelemetry/api'
import { within } from '../async/signals.ts'
import { inSlices } from '../async/slices.ts'
import type { BlockId } from '../contracts/block.ts'
import { BlockgateError, ErrorCode } from '../contracts/errors.ts'
import type { Epoch, OwnershipChange } from '../contracts/ownership.ts'
import type { Plan } from '../contracts/plan.ts'
import type { RunReason } from '../contracts/stage.ts'
import { STUCK_GRACE } from '../pipeline/attempt.ts'
import { ownershipOf } from '../pipeline/owned.ts'
import type { Engine } from './engine.ts'
import { Changes } from './offers.ts'
import type { Pace } from './pace.ts'
import { Run } from './run.ts'
import { logRun, type RunEnd, type RunProgress, type RunReport, type RunResult } from './run-result.ts'
import { again, isKnown, type Offered, type View } from './view.ts'

/** Ownership changes come in bursts: one run for the burst, and still well within a second. */
const BURST_MS = 250
const HISTORY = 20
/** Failures that are kept of a run; `blocks.failed` is how many there were. */
const MAX_FAILURES = 100

export interface SyncRequest {
  readonly confirmDrops?: boolean | undefined
  /** For a host that wakes the gateway itself, such as a cron of Workers. Default 'manual'. */
  readonly reason?: Exclude<RunReason, 'ownership-change'> | undefined
  /** Everything is to be listed, and not new blocks alone. Default: where it is asked for by hand. */
  readonly all?: boolean | undefined
}

export interface RunnerOptions {
  readonly stopGraceMs: number
  /** Called with each result, also of failed and stopped runs; a throw is a fault that is told. `current`: ownership has not moved since the run began. */
  readonly onResult?: ((result: RunResult, current: boolean) => void) | undefined
}

/** A run that was asked for and has not begun. */
interface Waiting extends PromiseWithResolvers<RunResult> {
  reason: RunReason
  confirmDrops: boolean
  all: boolean
  /** Spans of those who asked by hand. */
  readonly asked: SpanContext[]
}

/** What is asked for twice before it begins is done once, for the reason that asks for most. */
const STRENGTH: Readonly<Record<RunReason, number>> = {
  'ownership-change': 0,
  interval: 1,
  notification: 2,
  startup: 3,
  manual: 4,
}

/**
 *   new → idle ⇄ running → stopping → stopped
 *          ↑ timer, ownership change, sync()
 */
export class Runner {
  readonly #engine: Engine
  readonly #options: RunnerOptions
  readonly #abort = new AbortController()
  readonly #history: RunReport[] = []
  #waiting: Waiting | undefined
  #run: Run | undefined
  #loop: Promise<void> | undefined
  #interval: Disposable | undefined
  /** Of the ownership-change run that is to come. */
  #burst: Disposable | undefined
  /** What the next ownership-change run is for. */
  #changes = new Changes()
  #epoch: Epoch = 0
  /** When ownership moved, ms of the monotonic clock; undefined once everything is where it belongs. */
  #moved: number | undefined
  #watch: Disposable | undefined
  #view: View | undefined
  /** The next run may list new blocks alone. */
  #tails = false
  #count = 0
  #failures = 0
  #continuous = false
  #stopping = false

  constructor(engine: Engine, options: RunnerOptions) {
    this.#engine = engine
    this.#options = options
  }

  /** Begins the first run and everything that follows it. Resolves with the first run's result. */
  start(): Promise<RunResult> {
    this.#continuous = true
    // A process that goes on lists twice itself.
    this.#engine.absences.clear()
    this.watch()
    return this.#request('startup')
  }

  /** Listens for ownership changes: also for those who only call `sync()`. */
  watch(): void {
    if (this.#stopping) return
    const { plan, faults } = this.#engine
    faults.guard('ownership.watch', () => {
      this.#epoch = plan.ownership.epoch()
      this.#watch ??= plan.ownership.watch?.(change => this.#onChange(change))
    })
  }

  /** One full run. While one is going on, all who ask get the one after it. Rejects once the runner is stopping. `asker`: the span in which it is asked for. */
  sync(
    { confirmDrops = false, reason = 'manual', all = reason === 'manual' }: SyncRequest = {},
    asker?: SpanContext,
  ): Promise<RunResult> {
    return this.#request(reason, confirmDrops, asker, all)
  }

  /** What the run that goes on, or the last one, offers to the add; undefined while that is not known. */
  get offers(): Offered | undefined {
    return this.#run ? this.#run.offers : this.#view && isKnown(this.#view) ? this.#view : undefined
  }

  /** A query waits for these blocks: where a run goes on they are taken before all others in it. */
  want(ids: Iterable<BlockId>): void {
    this.#run?.want(ids)
  }

  get progress(): RunProgress | undefined {
    return this.#run?.progress
  }

  /** The last 20, oldest first; of each the first 100 failures. */
  get results(): readonly RunReport[] {
    return this.#history
  }

  /**
   * Takes no more blocks, lets those in flight finish within the grace, then aborts them. Safe twice, and without a
   * start. No timer is left behind. Never rejects, and does not wait for what hangs.
   */
  async stop(): Promise<void> {
    this.#stopping = true
    const { host, faults, stuck } = this.#engine
    faults.guard('ownership.watch', () => this.#watch?.[Symbol.dispose]())
    this.#interval?.[Symbol.dispose]()
    this.#burst?.[Symbol.dispose]()
    const stopped = new BlockgateError(ErrorCode.stopped, 'the gateway is stopping')
    this.#waiting?.reject(stopped)
    this.#waiting = undefined
    this.#run?.drain()
    const { stopGraceMs } = this.#options
    const grace = host.setTimer(stopGraceMs, () => this.#run?.abort(stopped))
    try {
      if (this.#loop) await within(host, stopGraceMs + STUCK_GRACE + 1_000, undefined, () => stopped, this.#loop)
    } catch {
      host.log.error('the run did not end', { run: this.#run?.progress.id })
    }
    grace[Symbol.dispose]()
    this.#abort.abort(stopped)
    for (const [block, stage] of stuck) host.log.error('a stage never ended', { block, stage })
  }

  #request(reason: RunReason, confirmDrops = false, asker?: SpanContext, all = confirmDrops): Promise<RunResult> {
    if (this.#stopping) return Promise.reject(new BlockgateError(ErrorCode.stopped, 'the gateway is stopping'))
    this.#waiting ??= { reason, confirmDrops, all, asked: [], ...Promise.withResolvers<RunResult>() }
    const waiting = this.#waiting
    if (STRENGTH[reason] > STRENGTH[waiting.reason]) waiting.reason = reason
    waiting.confirmDrops ||= confirmDrops
    waiting.all ||= all || confirmDrops
    if (asker) waiting.asked.push(asker)
    // Not everybody who asks waits; a rejection that nobody waits for is no crash.
    waiting.promise.catch(() => {})
    // The runs that follow, and all timers, are not part of what goes on where this one was asked for.
    this.#loop ??= context
      .with(ROOT_CONTEXT, () => this.#runAll())
      .finally(() => {
        this.#loop = undefined
      })
    return waiting.promise
  }

  async #runAll(): Promise<void> {
    for (let next = this.#waiting; next && !this.#stopping; next = this.#waiting) {
      this.#waiting = undefined
      try {
        const end = await this.#runOnce(next)
        const listing = this.#after(end)
        // Whoever asks for one run waits for one that lists.
        next.resolve((!this.#continuous && listing) || end.result)
      } catch (error) {
        // A mistake of the engine's own; the next run comes whatever it was.
        this.#engine.faults.note('run', error)
        this.#run = undefined
        this.#failures++
        this.#listed({ came: 0, tookMs: 0, ok: false })
        next.reject(error)
      }
    }
  }

  async #runOnce({ reason, confirmDrops, all, asked }: Waiting): Promise<RunEnd> {
    const { host } = this.#engine
    const changes = this.#changes
    this.#changes = new Changes()
    const view = this.#view
    const previous = reason === 'ownership-change' && view ? await again(host, view, changes) : undefined
    const before = this.#tails && !previous && !all && view ? { view, changes } : undefined
    const id = `${host.now().toString(36)}-${++this.#count}`
    const run = new Run(this.#engine, { id, reason, confirmDrops, asked, previous, before }, this.#abort.signal)
    this.#run = run
    if (this.#stopping) run.drain()
    return run.execute()
  }

  /** Gives the run that follows at once, if one does. */
  #after({ result, view, epoch, room }: RunEnd): Promise<RunResult> | undefined {
    const { plan, metrics, faults } = this.#engine
    const still = faults.guard('ownership.epoch', () => Object.is(plan.ownership.epoch(), epoch)) ?? false
    const current = still && this.#changes.none
    const { status } = result
    this.#run = undefined
    // What a stage threw carries its name, and is no fault.
    if (result.error && result.error.at === undefined) faults.note('run', result.error)
    metrics?.run({
      status,
      summary: result.summary,
      listed: view.listed !== 'none',
      assigned: assigned(plan, result),
    })
    // Without the blocks: twenty runs of 50,000 would be kept for nobody, whether they were loaded or failed.
    const { outcomes: _, dropped: __, summary, ...report } = result
    this.#history.push({ ...report, summary: { ...summary, failures: summary.failures.slice(0, MAX_FAILURES) } })
    if (this.#history.length > HISTORY) this.#history.shift()
    logRun(this.#engine, result)
    faults.guard('onResult', () => this.#options.onResult?.(result, current))
    // What it rests on shows what was there, and nothing that is gone: the bucket is listed now.
    const follows = status === 'done' && view.listed !== 'none' && view.restsOn && !this.#view?.restsOn
    if (status === 'done') {
      this.#failures = 0
      this.#view = view
      if (current) this.#converged()
    } else this.#failures++
    faults.guard('handover.report', () => this.#tell(result))
    faults.runEnded()
    // A run that failed comes again by itself; changes that it did not see cannot wait for that.
    if (status === 'done' ? !current || room : !this.#changes.none) this.#later()
    const lists = view.listed !== 'none'
    // What is not there, though it was seen, is gone, or the bucket contradicts itself: all is listed, until that is known.
    const gone = summary.failures.some(({ code }) => code === ErrorCode.notFound)
    if (lists) this.#tails = status === 'done' && view.complete && !gone && this.#engine.absences.size === 0
    if (follows) return this.#request(summary.run.reason)
    // However often ownership moves, the next listing comes when it was due.
    if (lists) {
      const ok = status === 'done' && isKnown(view)
      this.#listed({ came: view.came, tookMs: summary.run.durationMs, ok })
    }
    return undefined
  }

  /** For the next run that lists. */
  #listed(run: Parameters<Pace['ended']>[0]): void {
    const { host, pace, faults } = this.#engine
    const ms = faults.guard('interval.next', () => pace.ended(run, this.#failures)) ?? pace.ms
    this.#interval?.[Symbol.dispose]()
    if (!this.#continuous || this.#stopping) return
    pace.due = host.now() + ms
    this.#interval = host.setTimer(ms, () => this.#request('interval'))
  }

  #converged(): void {
    const { host, catalogue, metrics } = this.#engine
    const { 'pending-hand-off': pendingHandOff = 0, 'last-copy': lastCopy = 0 } = catalogue.counts()
    if (this.#moved === undefined || pendingHandOff + lastCopy > 0) return
    metrics?.converged(host.monotonic() - this.#moved)
    this.#moved = undefined
  }

  /** What operators see of this gateway. */
  async #tell(result: RunResult): Promise<void> {
    const { plan, catalogue } = this.#engine
    const loaded = plan.sink.stage.loaded()
    const { 'pending-hand-off': pendingHandOff = 0, 'last-copy': lastCopy = 0, failed = 0 } = catalogue.counts()
    let bytes = 0
    await inSlices(this.#engine.host, loaded.values(), block => (bytes += block.bytes))
    await plan.ownership.handover?.report({
      assigned: assigned(plan, result),
      serving: loaded.size,
      pendingHandOff,
      lastCopy,
      failed,
      bytes,
    })
  }

  #onChange(change: OwnershipChange): void {
    if (this.#stopping) return
    this.#changes.add(change)
    this.#engine.faults.guard('ownership-change', () => {
      if (change.epoch > this.#epoch) this.#moved ??= this.#engine.host.monotonic()
      this.#epoch = Math.max(this.#epoch, change.epoch)
      // What the run has denied is offered again in it. What it found loaded is for the run after it: see #after.
      this.#run?.onOwnershipChange(change)
    })
    if (!this.#run) this.#later()
  }

  #later(): void {
    if (this.#stopping || !this.#continuous) return
    // Not put off by the next one: changes that never rest must not keep the run from coming.
    this.#burst ??= this.#engine.host.setTimer(BURST_MS, () => {
      this.#burst = undefined
      if (!this.#run) this.#request('ownership-change')
    })
  }
}

/** Blocks that came past owned(). */
function assigned({ segments }: Plan, { summary }: RunResult): number {
  const owned = segments.at(-1)?.stages.find(({ stage }) => ownershipOf(stage))
  return summary.stages.find(({ name }) => name === owned?.name)?.out ?? 0
}
