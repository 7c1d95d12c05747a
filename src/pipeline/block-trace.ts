/**
 * The spans of one block. What happens is first written down as plain frames; they become spans when the block turns
 * out to be worth a trace, with the times they had. So a block that is skipped for the same reason as last time makes no
 * span, thousands of blocks that wait at a barrier hold no open span, and nothing of the story is lost.
 */
import { type Context, context, ROOT_CONTEXT, type Span, SpanStatusCode, trace } from '@opentelemetry/api'
import { codeOf, rawMessageOf } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'
import type { Metrics } from '../contracts/metrics.ts'
import type { Outcome } from '../contracts/stage.ts'
import { Attribute, SpanName, tracer } from '../contracts/telemetry.ts'

interface Frame {
  readonly name: string
  readonly start: number
  readonly children: Frame[]
  /** Time of the stages inside, in ms; only where there are metrics. */
  below: number
  end: number | undefined
  outcome: Outcome | undefined
  span: Span | undefined
  context: Context
}

/** What a block's verdict was in the last run, as far as the trace cares. */
export interface LastVerdict {
  readonly kind: 'loaded' | 'skipped'
  readonly by: string
  readonly reason: string
}

export interface TraceSubject {
  readonly id: string
  readonly level: number
  readonly attempt: number
  readonly runId: string
  readonly instance: string
}

/** Made for a block at its first segment and carried over the barriers; without a tracer it records nothing. */
export class BlockTrace {
  readonly #host: Host
  readonly #run: Span
  readonly #subject: TraceSubject
  readonly #last: LastVerdict | undefined
  readonly #enabled: boolean
  readonly #metrics: Metrics | undefined
  readonly #frames: Frame[] = []
  readonly #open: Frame[] = []
  #root: Span | undefined
  #rootContext: Context = ROOT_CONTEXT

  /** `last` is the verdict that makes the block quiet while it stays the same. */
  constructor(
    host: Host,
    run: Span,
    enabled: boolean,
    subject: TraceSubject,
    last: LastVerdict | undefined,
    metrics?: Metrics | undefined,
  ) {
    this.#host = host
    this.#run = run
    this.#enabled = enabled
    this.#subject = subject
    this.#last = last
    this.#metrics = metrics
  }

  /** The stages that run now, outermost first: what a block that never settles is charged to. */
  get running(): readonly string[] {
    return this.#open.map(frame => frame.name)
  }

  /** The last segment begins: from here a verdict comes, so spans are made as things happen, unless it may be quiet. */
  enterLast(stages: ReadonlySet<string>): void {
    const quiet = this.#last && (this.#last.kind === 'loaded' || stages.has(this.#last.by))
    if (!quiet) this.#promote()
  }

  /** The stage let the block go on: if that is where it stopped last time, this time is worth a trace. */
  passed(stage: string): void {
    if (this.#last?.kind === 'skipped' && this.#last.by === stage) this.#promote()
  }

  /** Runs a stage as a frame inside the one that runs now. `run` never rejects. */
  async stage(name: string, run: () => Promise<Outcome>): Promise<Outcome> {
    const outer = this.#open.at(-1)
    const frame: Frame = {
      name,
      start: this.#enabled ? this.#host.now() : 0,
      children: [],
      below: 0,
      end: undefined,
      outcome: undefined,
      span: undefined,
      context: ROOT_CONTEXT,
    }
    if (this.#enabled) (outer?.children ?? this.#frames).push(frame)
    this.#open.push(frame)
    if (this.#root) this.#startSpan(frame, outer?.context ?? this.#rootContext, undefined)
    const started = this.#metrics && this.#host.monotonic()
    const outcome = await context.with(frame.context, run)
    if (started !== undefined) this.#measure(frame, outer, this.#host.monotonic() - started)
    this.#open.splice(this.#open.indexOf(frame), 1)
    if (frame.outcome) return outcome // it hung, and the block's trace has ended without it
    frame.outcome = outcome
    if (this.#enabled) frame.end = this.#host.now()
    if (frame.span) endStage(frame, undefined)
    return outcome
  }

  /** The verdict is there. A quiet block whose verdict is the same as last time leaves no trace. */
  finish(outcome: Outcome): void {
    if (!this.#root && this.#same(outcome)) return
    this.#promote()
    const span = this.#root
    if (!span) return
    for (const frame of this.#open.toReversed()) {
      frame.outcome = outcome
      endStage(frame, undefined)
    }
    span.setAttribute(Attribute.outcome, outcome.kind)
    if (outcome.kind === 'skipped' || outcome.kind === 'failed') span.setAttribute(Attribute.by, outcome.by)
    if (outcome.kind === 'skipped') span.setAttribute(Attribute.reason, outcome.reason)
    if (outcome.kind === 'failed') markFailed(span, outcome.error)
    span.end()
  }

  #measure(frame: Frame, outer: Frame | undefined, took: number): void {
    this.#metrics?.stage(frame.name, took - frame.below)
    if (outer) outer.below += took
  }

  #same(outcome: Outcome): boolean {
    if (!this.#last) return false
    if (this.#last.kind === 'loaded') return outcome.kind === 'unchanged'
    return outcome.kind === 'skipped' && outcome.by === this.#last.by && outcome.reason === this.#last.reason
  }

  #promote(): void {
    if (this.#root || !this.#enabled) return
    const first = this.#frames[0]
    this.#root = tracer().startSpan(
      SpanName.block,
      {
        links: [{ context: this.#run.spanContext() }],
        attributes: {
          [Attribute.blockId]: this.#subject.id,
          [Attribute.blockLevel]: this.#subject.level,
          [Attribute.attempt]: this.#subject.attempt,
          [Attribute.runId]: this.#subject.runId,
          [Attribute.instance]: this.#subject.instance,
        },
        ...(first ? { startTime: first.start } : {}),
      },
      ROOT_CONTEXT,
    )
    this.#rootContext = trace.setSpan(ROOT_CONTEXT, this.#root)
    for (const frame of this.#frames) this.#materialise(frame, this.#rootContext)
  }

  #materialise(frame: Frame, parent: Context): void {
    this.#startSpan(frame, parent, frame.start)
    for (const child of frame.children) this.#materialise(child, frame.context)
    if (frame.end !== undefined) endStage(frame, frame.end)
  }

  #startSpan(frame: Frame, parent: Context, start: number | undefined): void {
    frame.span = tracer().startSpan(SpanName.stage(frame.name), start === undefined ? {} : { startTime: start }, parent)
    frame.context = trace.setSpan(parent, frame.span)
  }
}

/** Only the stage that raised an error carries it: the stages around it saw a failure, they did not fail. */
function endStage(frame: Frame, end: number | undefined): void {
  const { span, outcome } = frame
  if (!span || !outcome) return
  span.setAttribute(Attribute.outcome, outcome.kind)
  if (outcome.kind === 'skipped' && outcome.by === frame.name) span.setAttribute(Attribute.reason, outcome.reason)
  if (outcome.kind === 'failed' && outcome.by === frame.name) markFailed(span, outcome.error)
  span.end(end)
}

function markFailed(span: Span, error: unknown): void {
  span.setAttribute(Attribute.errorCode, codeOf(error) ?? 'internal')
  span.setStatus({ code: SpanStatusCode.ERROR, message: rawMessageOf(error) })
}
