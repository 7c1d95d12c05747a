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
  readonly words: readonly number[] = newId(2)
  readonly traceState?: TraceState

  constructor(trace: SpanTrace, traceState: TraceState | undefined) {
    this.trace = trace
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

export class LocalSpan implements Span {
  name: string
  readonly kind: SpanKind
  readonly scope: Scope
  readonly context: LocalSpanContext
  readonly parent: SpanContext | undefined
  /** It has no parent in this process. */
  readonly isRoot: boolean
  /** ms since the epoch. */
  readonly start: number
  end_: number = Number.NaN
  status: SpanStatus = { code: SpanStatusCode.UNSET }
  links: Link[] = []
  events: SpanEvent[] = []
  droppedLinks = 0
  droppedEvents = 0
  readonly #attributes = new Map<string, AttributeValue>()

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
    this.context = new LocalSpanContext(trace, parent?.traceState)
    this.start = this.#ms(startTime)
  }

  spanContext(): SpanContext {
    return this.context
  }

  pairs(): Iterable<[string, AttributeValue]> {
    return this.#attributes
  }

  get(key: string): AttributeValue {
    return this.#attributes.get(key)
  }

  get ended(): boolean {
    return !this.isRecording()
  }

  isRecording(): boolean {
    return Number.isNaN(this.end_)
  }

  setAttribute(key: string, value: AttributeValue): this {
    if (this.isRecording() && value !== undefined && value !== null) this.#attributes.set(key, value)
    return this
  }

  setAttributes(attributes: Attributes): this {
    for (const key of Object.keys(attributes)) this.setAttribute(key, attributes[key])
    return this
  }

  addEvent(name: string, attributesOrTime?: Attributes | TimeInput, time?: TimeInput): this {
    if (!this.isRecording()) return this
    const isTime = isTimeInput(attributesOrTime)
    this.events.push({
      name,
      at: this.#ms(isTime ? attributesOrTime : time),
      attributes: isTime ? {} : (attributesOrTime ?? {}),
    })
    if (this.events.length > MOST) this.droppedEvents += this.events.splice(0, 1).length
    return this
  }

  addLink(link: Link): this {
    if (!this.isRecording()) return this
    this.links.push(link)
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
    this.context.trace.ended(this)
  }

  /** A small number is one of `performance.now()`, as the API allows. */
  #ms(time: TimeInput | undefined): number {
    const { clockOffset } = this.context.trace
    if (time === undefined) return performance.now() + clockOffset
    if (typeof time === 'number') return time <= performance.now() ? time + clockOffset : time
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
