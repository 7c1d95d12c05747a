/** A span of ours. The SDK's takes three times as long, which thousands of blocks feel: see bench/README.md. */
import {
  type Attributes,
  type AttributeValue,
  type Exception,
  type Link,
  type Span,
  type SpanContext,
  SpanKind,
  type SpanStatus,
  SpanStatusCode,
  type TimeInput,
  TraceFlags,
  type TraceState,
} from '@opentelemetry/api'
import { hexOf, newId } from './ids.ts'

/** Who made it: the name and the version that the tracer was asked for. */
export interface Scope {
  readonly name: string
  readonly version?: string
}

export interface SpanEvent {
  readonly name: string
  /** ms since the epoch. */
  readonly at: number
  readonly attributes: Attributes
}

/** The trace of a span, as far as the span needs it: LocalTrace. */
export interface SpanTrace {
  /** 16 bytes, as four words. */
  readonly id: readonly number[]
  /** What is added to `performance.now()` for ms since the epoch: within a trace the clock never steps. */
  readonly clockOffset: number
  /** Whether its spans are exported for sure: what a `traceparent` of it says. */
  readonly isKept: boolean
  /** Keeps it, unless it was let go of before. True: a link to it leads somewhere. */
  keep(): boolean
  ended(span: LocalSpan): void
}

/** The context of a span of ours. Whether it is sampled is known when its trace ends: until then a failure may still come. */
export class LocalSpanContext implements SpanContext {
  readonly trace: SpanTrace
  /** 8 bytes, as two words. */
  readonly words: readonly number[]
  readonly traceState?: TraceState

  constructor(trace: SpanTrace, words: readonly number[], traceState: TraceState | undefined) {
    this.trace = trace
    this.words = words
    if (traceState) this.traceState = traceState
  }

  get traceId(): string {
    return hexOf(this.trace.id)
  }

  get spanId(): string {
    return hexOf(this.words)
  }

  get traceFlags(): TraceFlags {
    return this.trace.isKept ? TraceFlags.SAMPLED : TraceFlags.NONE
  }
}

/** The SDK's default limits, of links and of events: the newest stay. */
const MOST = 128
/** Most spans have no links and no events, and many one attribute: a list begins with one item, for the first push() makes room for 17. */
const NONE: never[] = []
const NO_ATTRIBUTES: Attributes = {}

export class LocalSpan implements Span {
  name: string
  readonly kind: SpanKind
  readonly scope: Scope
  readonly trace: SpanTrace
  /** 8 bytes, as two words. */
  readonly id: readonly number[] = newId(2)
  readonly parent: SpanContext | undefined
  /** It has no parent in this process. */
  readonly isRoot: boolean
  /** ms since the epoch. */
  readonly start: number
  end_: number = Number.NaN
  status: SpanStatus = { code: SpanStatusCode.UNSET }
  links: Link[] = NONE
  events: SpanEvent[] = NONE
  droppedLinks = 0
  droppedEvents = 0
  /** Key, value, key, value: few, so that a look through them is faster than a map, and a fraction of its size. */
  pairs: AttributeValue[] = NONE
  #context: LocalSpanContext | undefined

  constructor(
    name: string,
    kind: SpanKind = SpanKind.INTERNAL,
    scope: Scope,
    trace: SpanTrace,
    parent: SpanContext | undefined,
    startTime: TimeInput | undefined,
  ) {
    this.name = name
    this.kind = kind
    this.scope = scope
    this.parent = parent
    this.isRoot = !(parent instanceof LocalSpanContext)
    this.trace = trace
    this.start = this.#ms(startTime)
  }

  spanContext(): LocalSpanContext {
    this.#context ??= new LocalSpanContext(this.trace, this.id, this.parent?.traceState)
    return this.#context
  }

  get(key: string): AttributeValue {
    const at = this.#indexOf(key)
    return at < 0 ? undefined : this.pairs[at + 1]
  }

  get ended(): boolean {
    return !this.isRecording()
  }

  isRecording(): boolean {
    return Number.isNaN(this.end_)
  }

  setAttribute(key: string, value: AttributeValue): this {
    if (!this.isRecording() || value === undefined || value === null) return this
    const at = this.#indexOf(key)
    if (this.pairs === NONE) this.pairs = [key, value]
    else if (at < 0) this.pairs.push(key, value)
    else this.pairs[at + 1] = value
    return this
  }

  setAttributes(attributes: Attributes): this {
    for (const key in attributes) this.setAttribute(key, attributes[key])
    return this
  }

  addEvent(name: string, attributesOrTime?: Attributes | TimeInput, time?: TimeInput): this {
    if (!this.isRecording()) return this
    const isTime = isTimeInput(attributesOrTime)
    const at = this.#ms(isTime ? attributesOrTime : time)
    const event = { name, at, attributes: isTime ? NO_ATTRIBUTES : (attributesOrTime ?? NO_ATTRIBUTES) }
    if (this.events === NONE) this.events = [event]
    else this.events.push(event)
    if (this.events.length > MOST) this.droppedEvents += this.events.splice(0, 1).length
    return this
  }

  addLink(link: Link): this {
    if (!this.isRecording()) return this
    if (this.links === NONE) this.links = [link]
    else this.links.push(link)
    if (this.links.length > MOST) this.droppedLinks += this.links.splice(0, 1).length
    return this
  }

  addLinks(links: readonly Link[]): this {
    for (const link of links) this.addLink(link)
    return this
  }

  /** As the specification says: nothing changes an OK, and UNSET changes nothing. */
  setStatus(status: SpanStatus): this {
    const isFinal = this.status.code === SpanStatusCode.OK || status.code === SpanStatusCode.UNSET
    if (this.isRecording() && !isFinal) this.status = status
    return this
  }

  updateName(name: string): this {
    if (this.isRecording()) this.name = name
    return this
  }

  recordException(exception: Exception, time?: TimeInput): void {
    const { code, name, message, stack } =
      typeof exception === 'string' ? { message: exception } : { ...shown(exception) }
    const attributes: Attributes = {}
    const type = code === undefined ? name : String(code)
    if (type) attributes['exception.type'] = type
    if (message) attributes['exception.message'] = message
    if (stack) attributes['exception.stacktrace'] = stack
    this.addEvent('exception', attributes, time)
  }

  /** A second end changes nothing. One before the start is the start. */
  end(time?: TimeInput): void {
    if (!this.isRecording()) return
    this.end_ = Math.max(this.start, this.#ms(time))
    this.trace.ended(this)
  }

  #indexOf(key: string): number {
    const { pairs } = this
    for (let at = 0; at < pairs.length; at += 2) if (pairs[at] === key) return at
    return -1
  }

  /** A small number is one of `performance.now()`, as the API allows: no process has run since September 2001. */
  #ms(time: TimeInput | undefined): number {
    const { clockOffset } = this.trace
    if (time === undefined) return performance.now() + clockOffset
    if (typeof time === 'number') return time < 1e12 ? time + clockOffset : time
    return Array.isArray(time) ? time[0] * 1000 + time[1] / 1e6 : time.getTime()
  }
}

function isTimeInput(value: unknown): value is TimeInput {
  return typeof value === 'number' || Array.isArray(value) || value instanceof Date
}

/** The fields of an error lie on its prototype, too. */
function shown({ code, name, message, stack }: Exclude<Exception, string>) {
  return { code, name, message, stack }
}
