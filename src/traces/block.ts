/**
 * The trace of one block: from when it is taken up until there is a verdict, with all its tries; or what the end of a run does with
 * a loaded one. It is written down, and becomes spans when it turns out to be news: see LateSpan.
 */
import { type AttributeValue, context, type Link, type SpanContext, TraceFlags, trace } from '@opentelemetry/api'
import type { BlockId, BlockMeta } from '../contracts/block.ts'
import { BlockAttribute, BlockSpanName, verdictName } from '../contracts/block-telemetry.ts'
import { codeOf, ErrorCode } from '../contracts/errors.ts'
import type { Epoch, Owner } from '../contracts/ownership.ts'
import { inSpan } from '../contracts/spans.ts'
import type { BlockResult, Outcome } from '../contracts/stage.ts'
import { markFailed, SpanName } from '../contracts/telemetry.ts'
import { spanContextOf, traceparentOf } from '../contracts/traceparent.ts'
import { BlockTrace, type Frame, type Step } from '../pipeline/block-trace.ts'
import type { LastVerdict, TracedRun } from '../pipeline/traces.ts'
import { LateSpan, timeOf } from './late-span.ts'
import { LIGHT_ROOT } from './light-context.ts'
import { lastTrace, remember } from './memory.ts'

/** What the traces of one run have in common. */
export interface BlocksOfRun extends TracedRun {
  readonly clock: () => number
  /** Made with the first block that is news. @returns links from the block to the run, and to why the run is */
  readonly links: () => Link[]
  /** The trace of the last change of the epoch. */
  readonly epoch: () => SpanContext | undefined
  /** A block's trace has ended: the run is linked to it. */
  readonly ended: (span: SpanContext) => void
}

interface SpanFrame extends Frame {
  readonly span: LateSpan
}

/** Shorter steps are events, and shorter waits nothing, ms: a span costs more than an event. */
const SHORT = 20

export class TracedBlock extends BlockTrace {
  declare protected readonly open: SpanFrame[]
  readonly #run: BlocksOfRun
  readonly #id: BlockId
  readonly #root: LateSpan
  /** Since when it waits until others serve it, ms since the epoch. */
  readonly #waiting: number | undefined
  /** Of its last trace. */
  readonly #previous: SpanContext | undefined
  readonly #last: LastVerdict | undefined
  #attempt = 0
  /** Since when it waits, and for what. */
  #waits: { readonly since: number; readonly for: string; slot?: number } | undefined
  /** When it was shown, ms since the epoch. */
  #shown = 0
  #isMove = false
  /** Of another member. */
  #parent: SpanContext | undefined
  /** The step that goes on. */
  #step: { readonly name: Step; readonly start: number; readonly of: LateSpan } | undefined

  constructor(run: BlocksOfRun, id: BlockId) {
    super(run.host, run.metrics)
    this.#run = run
    this.#id = id
    const known = run.memory.get(id)
    const level = known?.candidate?.meta.compaction.level
    this.#waiting = known && WAITED.has(known.reason) ? known.since : undefined
    this.#previous = lastTrace(run.memory, id)
    this.#last = known?.events.at(-1)
    const attributes = {
      [BlockAttribute.id]: id,
      ...(level && { [BlockAttribute.level]: level }),
      [BlockAttribute.runId]: run.id,
      [BlockAttribute.instance]: run.instance,
    }
    this.#root = new LateSpan(BlockSpanName.block, run.clock, LIGHT_ROOT, { attributes })
  }

  override shown(meta: BlockMeta): void {
    this.make()
    this.#shown = this.#run.clock()
    const from = this.#owners(meta).filter(({ serves, target }) => serves && !target)
    this.#isMove = from.length > 0
    if (!this.#isMove) return
    this.say('move', true)
    this.say('movedFrom', namesOf(from))
    // A move is kept, whatever else of this block is.
    // Read one by one: what a spread takes of the place of a span depends on who made it.
    const { traceId, spanId } = this.#root.spanContext()
    const kept = { traceId, spanId, traceFlags: TraceFlags.SAMPLED }
    if (this.#root.isRecording()) this.traceparent = traceparentOf(kept)
  }

  override told(): void {
    const now = this.#run.clock()
    if (this.#isMove || now - this.#shown >= SHORT)
      this.#root.child(BlockSpanName.told, undefined, this.#shown).end(now)
  }

  override asks(superseding: BlockMeta): void {
    const targets = this.#owners(superseding).filter(({ target }) => target)
    this.say('owners', namesOf(targets))
    this.say('waitsFor', namesOf(targets.filter(({ serves, live }) => !serves || !live)))
  }

  /** Where another member has loaded it, it goes in the trace of that. */
  override async released(superseding: BlockMeta): Promise<void> {
    const since = this.#waiting
    if (since !== undefined) this.#root.child(BlockSpanName.handOff, undefined, since).end()
    if (this.#id !== superseding.ulid) return
    this.say('move', true)
    this.#parent = spanContextOf(await this.#run.ownership.handover?.traceOf?.(this.#id))
  }

  override get spanContext(): SpanContext | undefined {
    return this.#root.isMade ? this.#root.spanContext() : undefined
  }

  override say(what: keyof typeof BlockAttribute, value: AttributeValue | undefined): void {
    if (value !== undefined) this.#root.setAttribute(BlockAttribute[what], value)
  }

  override wait(reason: 'barrier' | 'retry'): void {
    this.#waits ??= { since: this.#run.clock(), for: reason }
  }

  override waitForSlot(at: number): void {
    if (this.#waits) this.#waits.slot = at
  }

  /** From here a verdict comes, so spans are made as things happen, unless it may be quiet. */
  override enterLast(stages: ReadonlySet<string>): void {
    const now = this.#run.clock()
    this.#waited(now)
    // What the block's name stands for is the work: it did nothing while it waited for others.
    if (++this.#attempt === 1) this.#root.start = now
    const last = this.#last
    const quiet = last && (!isStop(last) || stages.has(last.by))
    if (!quiet) this.make()
  }

  /** If that is where the block stopped last time, this time is worth a trace. */
  override passed(stage: string): void {
    const last = this.#last
    if (last && isStop(last) && last.by === stage) this.make()
  }

  override mark(step: Step): void {
    const of = this.open.at(-1)?.span
    this.#stepOver()
    if (of) this.#step = { name: step, start: this.#run.clock(), of }
  }

  override leave<T>(step: Step, work: () => Promise<T>): Promise<T> {
    return inSpan(step, {}, this.#root.context, work)
  }

  /** From now on the block has spans, also for what is behind it. */
  make(): void {
    if (this.#root.isMade) return
    const previous = this.#previous
    // Offered again in the same run: it is the same trace, where that is kept.
    const isAgain = previous && this.#last?.run === this.#run.id && (previous.traceFlags & TraceFlags.SAMPLED) !== 0
    const parent = this.#parent ?? (isAgain ? previous : undefined)
    const outer = parent ? trace.setSpanContext(LIGHT_ROOT, parent) : LIGHT_ROOT
    const isLinked = previous && previous !== parent
    this.#root.make([...this.#run.links(), ...(isLinked ? [{ context: previous }] : [])], outer)
  }

  /** A block whose verdict is the same as last time leaves no trace. */
  override finish(result: BlockResult): void {
    const root = this.#root
    if (!root.isMade && isAsBefore(result, this.#last)) return
    this.make()
    this.#stepOver()
    for (const frame of this.open.splice(0).reverse()) endStage(frame, result)
    const reason = reasonOf(result)
    root.updateName(verdictName(result.kind, reason))
    root.setAttribute(BlockAttribute.outcome, result.kind)
    if (this.#attempt > 0) root.setAttribute(BlockAttribute.attempt, this.#attempt)
    if ('by' in result) root.setAttribute(BlockAttribute.by, result.by)
    if (reason !== '') root.setAttribute(BlockAttribute.reason, reason)
    if (result.kind === 'skipped') {
      this.say('detail', result.detail)
      if (result.epoch !== undefined && reason !== ErrorCode.leaseLost) this.#sayDenied(result.epoch)
    }
    if (result.kind === 'failed') markFailed(root, result.error)
    const epoch = isOfOwners(result) ? this.#run.epoch() : undefined
    if (epoch) root.addLink({ context: epoch })
    root.end()
    this.#run.ended(root.spanContext())
    remember(this.#run.memory, this.#id, root.spanContext())
  }

  protected override enter(name: string, outer: SpanFrame | undefined): SpanFrame {
    const options =
      !outer && this.#attempt > 1 ? { attributes: { [BlockAttribute.attempt]: this.#attempt } } : undefined
    return { name, below: 0, span: (outer?.span ?? this.#root).child(SpanName.stage(name), options) }
  }

  protected override within({ span }: SpanFrame, run: () => Promise<Outcome>): Promise<Outcome> {
    return context.with(span.context, run)
  }

  protected override left(frame: SpanFrame, outcome: Outcome): void {
    this.#stepOver()
    endStage(frame, outcome)
  }

  #sayDenied(epoch: Epoch): void {
    this.say('denied', 'denied')
    this.say('epoch', epoch)
    const meta = this.#run.memory.get(this.#id)?.candidate?.meta
    if (meta) this.say('owners', namesOf(this.#owners(meta).filter(({ target }) => target)))
  }

  #owners(block: BlockMeta): readonly Owner[] {
    try {
      return this.#run.ownership.handover?.owners(block) ?? []
    } catch {
      // It is not known now.
      return []
    }
  }

  #stepOver(): void {
    const step = this.#step
    this.#step = undefined
    if (!step) return
    const { name, start, of } = step
    const now = this.#run.clock()
    if (now - start < SHORT) of.addEvent(name, undefined, timeOf(start))
    else of.child(name, undefined, start).end(now)
  }

  #waited(until: number): void {
    const waits = this.#waits
    this.#waits = undefined
    if (!waits || until - waits.since < SHORT) return
    const attributes = {
      [BlockAttribute.waitFor]: waits.for,
      ...(waits.slot && { [BlockAttribute.waitSlot]: until - waits.slot }),
    }
    this.#root.child(BlockSpanName.wait, { attributes }, waits.since).end(until)
  }
}

const namesOf = (owners: readonly Owner[]): string[] => owners.map(({ member }) => member)

/** Who owns the block decided it, or has to do with it. */
function isOfOwners(result: BlockResult): boolean {
  if (result.kind === 'skipped') return result.epoch !== undefined
  return result.kind === 'added' || result.kind === 'dropped' || WAITED.has(reasonOf(result))
}

/** Only the stage that raised an error carries it: the stages around it saw a failure, they did not fail. */
function endStage({ name, span }: SpanFrame, result: BlockResult): void {
  span.setAttribute(BlockAttribute.outcome, result.kind)
  if (result.kind === 'skipped' && result.by === name) span.setAttribute(BlockAttribute.reason, result.reason)
  if (result.kind === 'failed' && result.by === name) markFailed(span, result.error)
  span.end()
}

/** Empty where the kind says it all. */
function reasonOf(result: BlockResult): string {
  if (result.kind === 'failed') return codeOf(result.error) ?? ErrorCode.internal
  return 'reason' in result ? result.reason : ''
}

/** A stage stopped the block, or it went. */
function isStop({ kind }: LastVerdict): boolean {
  return kind === 'skipped' || kind === 'failed' || kind === 'partial' || kind === 'dropped'
}

/** Loaded blocks that are served on are news only where it seemed that they would go. */
const WAITED: ReadonlySet<string> = new Set(['pending-hand-off', 'last-copy', 'superseded'])

/** Whether the verdict repeats the last one. */
export function isAsBefore(result: BlockResult, last: LastVerdict | undefined): boolean {
  if (result.kind === 'unchanged') return !WAITED.has(last?.reason ?? '')
  if (!last || !('by' in result) || result.kind === 'dropped') return false
  return result.by === last.by && reasonOf(result) === last.reason
}
