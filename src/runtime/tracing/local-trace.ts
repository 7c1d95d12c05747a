/**
 * What this process adds to one trace: a local root, which has no parent here, and all below it. What is not sampled from the
 * start is held until its root ends: then it is known whether something in it is worth keeping.
 */
import { SpanStatusCode } from '@opentelemetry/api'
import { newId } from './ids.ts'
import type { LocalSpan, SpanTrace } from './span.ts'

/** Where spans go. One for all traces, so that what they hold together is bounded. */
export interface SpanSink {
  /** Of a trace that is kept. */
  add(span: LocalSpan): void
  /** Whether another span may be held. Each that was is given back by `release()`. */
  hold(): boolean
  release(spans: number): void
  /** Spans of kept traces that could not be held. */
  lost(spans: number): void
}

/** A local root that took longer is kept, whatever the ratio, in ms. */
export const SLOW_MS = 5000

/** Spans that tell of a move, or of what an operator did: a trace with one of them is kept. */
const MOVES: ReadonlySet<string> = new Set(['block.move', 'ownership.epoch.cause', 'operator.action'])
/** Of `block.outcome`: what this gateway let go of, or could not load. */
const KEPT_OUTCOMES: ReadonlySet<unknown> = new Set(['dropped', 'failed'])

export class LocalTrace implements SpanTrace {
  readonly id: readonly number[]
  readonly clockOffset: number = Date.now() - performance.now()
  readonly #sink: SpanSink
  readonly #isSampled: (root: LocalSpan) => boolean
  readonly #held: LocalSpan[] = []
  #notHeld = 0
  #state: 'open' | 'kept' | 'dropped' = 'open'

  /**
   * @param isSampled asked again at the end of the root, which may have learnt its block by then
   * @param id of a trace of another process that goes on here
   */
  constructor(sink: SpanSink, isSampled: (root: LocalSpan) => boolean, id: readonly number[] = newId(4)) {
    this.id = id
    this.#sink = sink
    this.#isSampled = isSampled
  }

  get isKept(): boolean {
    return this.#state === 'kept'
  }

  keep(): boolean {
    if (this.#state === 'open') {
      this.#state = 'kept'
      this.#sink.release(this.#held.length)
      if (this.#notHeld > 0) this.#sink.lost(this.#notHeld)
      for (const span of this.#held.splice(0)) this.#sink.add(span)
    }
    return this.#state === 'kept'
  }

  ended(span: LocalSpan): void {
    if (this.#state === 'open' && (isNotable(span) || (span.isRoot && this.#isSampled(span)))) this.keep()
    if (this.#state === 'kept') this.#sink.add(span)
    if (this.#state !== 'open') return
    if (span.isRoot) {
      this.#state = 'dropped'
      this.#sink.release(this.#held.splice(0).length)
    } else if (this.#sink.hold()) this.#held.push(span)
    else this.#notHeld++
  }
}

/** A failure, a move, an operator's action, or a root that was slow. */
function isNotable(span: LocalSpan): boolean {
  if (span.status.code === SpanStatusCode.ERROR || (span.isRoot && span.end_ - span.start >= SLOW_MS)) return true
  for (const [key, value] of span.pairs()) {
    if (MOVES.has(key) || (key === 'block.outcome' && KEPT_OUTCOMES.has(value))) return true
  }
  return false
}
