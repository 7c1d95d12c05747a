/**
 * The spans of one block. What happens is first written down as plain frames; they become spans when the block turns
 * out to be worth a trace, with the times they had. So a block that is skipped for the same reason as last time makes no
 * span, thousands of blocks that wait at a barrier hold no open span, and nothing of the story is lost.
 */
import { type Context, context, ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api'
import type { Host } from '../contracts/host.ts'
import type { Metrics } from '../contracts/metrics.ts'
import type { Outcome } from '../contracts/stage.ts'
import { Attribute, markFailed, SpanName, tracer } from '../contracts/telemetry.ts'

/** The block as a whole, or one stage that it goes through. */
interface Frame {
  readonly name: string
  readonly start: number
  readonly children: Frame[]
  /** Time of the stages inside, in ms; only where there are metrics. */
  below: number
  end?: number
  outcome?: Outcome
  span?: Span
  /** Of its span, once there is one. */
  context: Context
}

/** What a block's verdict was in the last run, as far as the trace cares. */
export interface LastVerdict {
  readonly kind: 'loaded' | 'skipped'
  readonly by: string
  readonly reason: string
}

export interface TraceSubject {
  readonly host: Host
  readonly id: string
  readonly level: number
  readonly attempt: number
  readonly runId: string
  readonly instance: string
  /** The run's span; undefined where nobody traces: then nothing is written down. */
  readonly run?: Span | undefined
  /** While its verdict stays the same, the block leaves no trace. */
  readonly last?: LastVerdict | undefined
  readonly metrics?: Metrics | undefined
}

/** Made for a block at its first segment and carried over the barriers. */
export class BlockTrace {
  readonly #of: TraceSubject
  readonly #root: Frame
  readonly #open: Frame[] = []

  constructor(subject: TraceSubject) {
    this.#of = subject
    this.#root = this.#frame('')
  }

  /** The stages that run now, outermost first: what a block that never ends is charged to. */
  get running(): readonly string[] {
    return this.#open.map(frame => frame.name)
  }

  /** The last segment begins: from here a verdict comes, so spans are made as things happen, unless it may be quiet. */
  enterLast(stages: ReadonlySet<string>): void {
    const { last } = this.#of
    const quiet = last && (last.kind === 'loaded' || stages.has(last.by))
    if (!quiet) this.#promote()
  }

  /** The stage let the block go on: if that is where it stopped last time, this time is worth a trace. */
  passed(stage: string): void {
    const { last } = this.#of
    if (last?.kind === 'skipped' && last.by === stage) this.#promote()
  }

  /** Runs a stage as a frame inside the one that runs now. `run` never rejects. */
  async stage(name: string, run: () => Promise<Outcome>): Promise<Outcome> {
    const { host, metrics } = this.#of
    const outer = this.#open.at(-1) ?? this.#root
    const frame = this.#frame(name)
    if (this.#of.run) outer.children.push(frame)
    this.#open.push(frame)
    if (this.#root.span) startStage(frame, outer)
    const started = metrics && host.monotonic()
    const outcome = await context.with(frame.context, run)
    if (started !== undefined) {
      const took = host.monotonic() - started
      metrics?.stage(name, took - frame.below, frame.span?.spanContext())
      outer.below += took
    }
    this.#open.splice(this.#open.indexOf(frame), 1)
    if (frame.outcome) return outcome // it hung, and the block's trace has ended without it
    frame.outcome = outcome
    if (this.#of.run) frame.end = host.now()
    endStage(frame)
    return outcome
  }

  /** The verdict is there. A quiet block whose verdict is the same as last time leaves no trace. */
  finish(outcome: Outcome): void {
    if (!this.#root.span && this.#isAsBefore(outcome)) return
    this.#promote()
    const { span } = this.#root
    if (!span) return
    for (const frame of this.#open.toReversed()) {
      frame.outcome = outcome
      endStage(frame)
    }
    span.setAttribute(Attribute.outcome, outcome.kind)
    if ('by' in outcome) span.setAttribute(Attribute.by, outcome.by)
    if (outcome.kind === 'skipped') span.setAttribute(Attribute.reason, outcome.reason)
    if (outcome.kind === 'failed') markFailed(span, outcome.error)
    span.end()
  }

  #frame(name: string): Frame {
    const { host, run } = this.#of
    return { name, start: run ? host.now() : 0, children: [], below: 0, context: ROOT_CONTEXT }
  }

  #isAsBefore(outcome: Outcome): boolean {
    const { last } = this.#of
    if (last?.kind === 'loaded') return outcome.kind === 'unchanged'
    return outcome.kind === 'skipped' && outcome.by === last?.by && outcome.reason === last.reason
  }

  /** From now on the block has spans, also for what is behind it. */
  #promote(): void {
    const { run, id, level, attempt, runId, instance } = this.#of
    if (this.#root.span || !run) return
    const attributes = {
      [Attribute.blockId]: id,
      [Attribute.blockLevel]: level,
      [Attribute.attempt]: attempt,
      [Attribute.runId]: runId,
      [Attribute.instance]: instance,
    }
    const links = [{ context: run.spanContext() }]
    const [first] = this.#root.children
    const startTime = first && { startTime: first.start }
    this.#root.span = tracer().startSpan(SpanName.block, { links, attributes, ...startTime }, ROOT_CONTEXT)
    this.#root.context = trace.setSpan(ROOT_CONTEXT, this.#root.span)
    startChildren(this.#root)
  }
}

function startChildren(frame: Frame): void {
  for (const child of frame.children) {
    startStage(child, frame, { startTime: child.start })
    startChildren(child)
    if (child.end !== undefined) endStage(child, child.end)
  }
}

function startStage(frame: Frame, outer: Frame, options: { readonly startTime?: number } = {}): void {
  frame.span = tracer().startSpan(SpanName.stage(frame.name), options, outer.context)
  frame.context = trace.setSpan(outer.context, frame.span)
}

/** Only the stage that raised an error carries it: the stages around it saw a failure, they did not fail. */
function endStage({ name, span, outcome }: Frame, end?: number): void {
  if (!span || !outcome) return
  span.setAttribute(Attribute.outcome, outcome.kind)
  if (outcome.kind === 'skipped' && outcome.by === name) span.setAttribute(Attribute.reason, outcome.reason)
  if (outcome.kind === 'failed' && outcome.by === name) markFailed(span, outcome.error)
  span.end(end)
}
