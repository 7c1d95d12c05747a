/**
 * Spans that are made late. What a run or a block does is written down first; it becomes spans, with the times it had, when it turns
 * out to be worth a trace. So what repeats makes no span, nothing of the story is lost, and thousands of blocks that wait hold no
 * open span.
 */
import {
  type Attributes,
  type AttributeValue,
  type Context,
  type Exception,
  INVALID_SPAN_CONTEXT,
  type Link,
  ProxyTracerProvider,
  type Span,
  type SpanContext,
  type SpanKind,
  type SpanOptions,
  type SpanStatus,
  type TimeInput,
  trace,
} from '@opentelemetry/api'
import type { ParentSpan } from '../contracts/spans.ts'
import { tracer } from '../contracts/telemetry.ts'

/** Spans that are kept below one that is not made: a run that only repeats itself holds no more. */
const MOST = 1_000

/** ms since the epoch. */
type Clock = () => number

/** A clock for the spans of one run: finer than the wall clock, and it never steps back. */
export function spanClock(host: { now(): number; monotonic(): number }): Clock {
  const base = host.now() - host.monotonic()
  return () => base + host.monotonic()
}

/** A span of the API that is made by `make()`, or is never made. Its parent is the span in the context that it is given. */
export class LateSpan implements ParentSpan {
  readonly #name: string
  readonly #kind: SpanKind | undefined
  #attributes: Attributes | undefined
  readonly #links: Link[] | undefined
  readonly #clock: Clock
  #notes: ((span: Span) => void)[] | undefined
  #children: LateSpan[] | undefined
  #start: number
  #end: number | undefined
  #outer: Context
  #context: Context | undefined
  #span: Span | undefined

  constructor(name: string, clock: Clock, outer: Context, options?: SpanOptions, start: number = clock()) {
    this.#name = name
    this.#clock = clock
    this.#outer = outer
    this.#kind = options?.kind
    this.#attributes = options?.attributes
    this.#links = options?.links
    this.#start = start
  }

  /** The outer context with this span as the active one. */
  get context(): Context {
    this.#context ??= trace.setSpan(this.#outer, this)
    return this.#context
  }

  get isMade(): boolean {
    return this.#span !== undefined
  }

  /** When it began, ms since the epoch. Before it is made it may be moved. */
  get start(): number {
    return this.#start
  }

  set start(at: number) {
    this.#start = at
  }

  /** Makes the span and all below it. `links`: more of them. `outer`: another parent than it was given. */
  make(links?: Link[], outer: Context = this.#outer): void {
    if (this.#span) return
    const options = {
      kind: this.#kind,
      attributes: this.#attributes,
      links: this.#links && links ? [...this.#links, ...links] : (this.#links ?? links),
      startTime: timeOf(this.#start),
    }
    this.#span = tracer().startSpan(this.#name, options as SpanOptions, outer)
    for (const note of this.#notes ?? []) note(this.#span)
    for (const child of this.#children ?? []) child.make()
    this.#attributes = undefined
    this.#notes = undefined
    this.#children = undefined
    if (this.#end !== undefined) this.#span.end(timeOf(this.#end))
  }

  /** A span below it; made with it. */
  child(name: string, options?: SpanOptions, start?: number): LateSpan {
    const child = new LateSpan(name, this.#clock, this.context, options, start)
    if (this.#span) {
      child.make()
      return child
    }
    // A list of just what is in it: the first push() makes room for 17, and most have one or two.
    if (!this.#children) this.#children = [child]
    else if (this.#children.length < MOST) this.#children.push(child)
    return child
  }

  below(name: string, options: SpanOptions): Span {
    const { startTime, ...others } = options
    return this.child(name, others, typeof startTime === 'number' ? startTime : undefined)
  }

  get ended(): boolean {
    return this.#end !== undefined
  }

  spanContext(): SpanContext {
    return this.#span?.spanContext() ?? INVALID_SPAN_CONTEXT
  }

  isRecording(): boolean {
    return this.#span?.isRecording() ?? true
  }

  setAttribute(key: string, value: AttributeValue): this {
    if (this.#span) this.#span.setAttribute(key, value)
    else this.#attributes = { ...this.#attributes, [key]: value }
    return this
  }

  setAttributes(attributes: Attributes): this {
    return this.#note(span => span.setAttributes(attributes))
  }

  addEvent(name: string, attributes?: Attributes | TimeInput, at: TimeInput = timeOf(this.#clock())): this {
    const isTime = typeof attributes !== 'object' || Array.isArray(attributes) || attributes instanceof Date
    if (!this.#span) return this.#note(() => this.addEvent(name, attributes, at))
    if (isTime) this.#span.addEvent(name, attributes ?? at)
    else this.#span.addEvent(name, attributes, at)
    return this
  }

  addLink(link: Link): this {
    return this.#note(span => span.addLink(link))
  }

  addLinks(links: Link[]): this {
    return this.#note(span => span.addLinks(links))
  }

  setStatus(status: SpanStatus): this {
    return this.#note(span => span.setStatus(status))
  }

  updateName(name: string): this {
    return this.#note(span => span.updateName(name))
  }

  recordException(exception: Exception, at: TimeInput = timeOf(this.#clock())): void {
    this.#note(span => span.recordException(exception, at))
  }

  /** `at`: ms since the epoch. */
  end(at?: TimeInput): void {
    this.#end = typeof at === 'number' ? at : this.#clock()
    this.#span?.end(timeOf(this.#end))
  }

  #note(note: (span: Span) => void): this {
    if (this.#span) note(this.#span)
    else if (this.#notes) this.#notes.push(note)
    else this.#notes = [note]
    return this
  }
}

/** The smallest number that is taken for ms since the epoch, and not for one of the process's own clock: of September 2001. */
const EPOCH = 1e12

export function timeOf(ms: number): TimeInput {
  if (ms >= EPOCH) return ms
  const seconds = Math.floor(ms / 1000)
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)]
}

/** Whether anybody traces: with no provider nothing is written down for spans that nobody would get. */
export function isTracing(): boolean {
  const provider = trace.getTracerProvider()
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer('blockgate') !== undefined
}
