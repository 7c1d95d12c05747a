/**
 * What this process adds to one trace: a local root, which has no parent here, and all below it. What is not sampled from the
 * start is held until its root ends: then it is known whether something in it is worth keeping.
 */
import { SpanStatusCode } from '@opentelemetry/api'
import { BlockAttribute } from '../../contracts/block-telemetry.ts'
import { newId } from './ids.ts'
import { isSampled, type Sampling } from './sampling.ts'
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
const MOVES = ['block.move', 'ownership.epoch.cause', 'operator.action'] as const
/** Of `block.outcome`: what this gateway let go of, or could not load. */
const KEPT_OUTCOMES: ReadonlySet<unknown> = new Set(['dropped', 'failed'])

export class LocalTrace implements SpanTrace {
  readonly id: readonly number[]
  readonly clockOffset: number = Date.now() - performance.now()
  readonly #sink: SpanSink
  readonly #sampling: Sampling
  #held: LocalSpan[] | undefined
  #notHeld = 0
  #state: 'open' | 'kept' | 'dropped' = 'open'

  /** @param id of a trace of another process that goes on here */
  constructor(sink: SpanSink, sampling: Sampling, id: readonly number[] = newId(4)) {
    this.id = id
    this.#sink = sink
    this.#sampling = sampling
  }

  get isKept(): boolean {
    return this.#state === 'kept'
  }

  keep(): boolean {
    if (this.#state === 'open') {
      this.#state = 'kept'
      if (this.#notHeld > 0) this.#sink.lost(this.#notHeld)
      for (const span of this.#released()) this.#sink.add(span)
    }
    return this.#state === 'kept'
  }

  ended(span: LocalSpan): void {
    // The root may have learnt its block since it began.
    if (this.#state === 'open' && (isNotable(span) || (span.isRoot && isSampled(this.#sampling, span)))) this.keep()
    if (this.#state === 'kept') this.#sink.add(span)
    if (this.#state !== 'open') return
    if (span.isRoot) {
      this.#state = 'dropped'
      this.#released()
    } else if (this.#sink.hold()) {
      this.#held ??= []
      this.#held.push(span)
    } else this.#notHeld++
  }

  #released(): readonly LocalSpan[] {
    const held = this.#held ?? []
    this.#held = undefined
    this.#sink.release(held.length)
    return held
  }
}

/** A failure, a move, an operator's action, or a root that was slow. */
function isNotable(span: LocalSpan): boolean {
  if (span.status.code === SpanStatusCode.ERROR || (span.isRoot && span.end_ - span.start >= SLOW_MS)) return true
  return MOVES.some(key => span.get(key) !== undefined) || KEPT_OUTCOMES.has(span.get(BlockAttribute.outcome))
}
