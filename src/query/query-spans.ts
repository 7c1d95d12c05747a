/**
 * The spans of one query: at most 50, however many blocks it asks. Its phases follow one another, so they explain all of its time; the
 * slowest blocks have their steps, the others are one span. They are made at the end, of the times that were written down.
 */
import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  trace,
} from '@opentelemetry/api'
import { BlockAttribute } from '../contracts/block-telemetry.ts'
import type { Host } from '../contracts/host.ts'
import { QueryAttribute, QuerySpanName } from '../contracts/query-telemetry.ts'
import { markFailed, tracer } from '../contracts/telemetry.ts'
import { type TraceIds, traceIds } from '../contracts/trace-ids.ts'
import type { QueryRun } from './query-run.ts'
import type { BlockTimes, Stretch } from './times.ts'

/** Blocks with spans of their own: five each. */
const BLOCKS_SHOWN = 8

export class QuerySpans {
  readonly #host: Host
  readonly #span: Span
  readonly #started: number
  readonly #wall: number
  /** How long the query took; 0 until it ends. */
  ms = 0

  /** `parent`: where they belong. */
  constructor(api: string, host: Host, parent: Context) {
    this.#host = host
    this.#started = host.monotonic()
    this.#wall = host.now()
    const attributes = { [QueryAttribute.api]: api }
    const options = { kind: SpanKind.SERVER, startTime: this.#wall, attributes }
    this.#span = tracer().startSpan(QuerySpanName.query(api), options, parent)
  }

  get context(): SpanContext {
    return this.#span.spanContext()
  }

  /** For the log; nothing where the trace is not recorded. */
  get ids(): TraceIds {
    return traceIds(this.context)
  }

  end(run: QueryRun, outcome: string, failure: unknown): void {
    this.ms = this.#host.monotonic() - this.#started
    const span = this.#span
    if (!span.isRecording()) return
    const { taken, cached } = run.budget
    span.setAttributes({
      [QueryAttribute.outcome]: outcome,
      [QueryAttribute.blocks]: run.times.blocks.size,
      [QueryAttribute.series]: taken.series,
      [QueryAttribute.chunks]: taken.chunks,
      [QueryAttribute.samples]: taken.samples,
      [QueryAttribute.bytes]: taken.bytes,
      [QueryAttribute.cacheHits]: cached.hits,
      [QueryAttribute.cacheBytes]: cached.bytes,
      [QueryAttribute.warnings]: run.warnings.length,
    })
    if (failure !== undefined) markFailed(span, failure)
    const below = trace.setSpan(ROOT_CONTEXT, span)
    for (const [phase, stretch] of run.times.phases) this.#stretch(QuerySpanName.phase(phase), stretch, below)
    const slowFirst = [...run.times.blocks].sort(([, a], [, b]) => b.busy - a.busy)
    for (const [id, block] of slowFirst.slice(0, BLOCKS_SHOWN)) this.#block(block, below, { [BlockAttribute.id]: id })
    this.#others(
      slowFirst.slice(BLOCKS_SHOWN).map(([, block]) => block),
      below,
    )
    span.end(this.#at(this.#started + this.ms))
  }

  /** One block, and its steps below it. */
  #block(block: BlockTimes, outer: Context, attributes: Attributes): void {
    const all = around([block])
    if (!all) return
    const span = this.#stretch(QuerySpanName.block, all, outer, attributes)
    const below = trace.setSpan(ROOT_CONTEXT, span)
    for (const [step, stretch] of block.steps) this.#stretch(QuerySpanName.step(step), stretch, below)
  }

  #others(blocks: readonly BlockTimes[], outer: Context): void {
    const all = around(blocks)
    if (all) this.#stretch(QuerySpanName.blocks, all, outer, { [QueryAttribute.blocks]: blocks.length })
  }

  #stretch(name: string, { first, last, busy }: Stretch, outer: Context, attributes: Attributes = {}): Span {
    const options = { startTime: this.#at(first), attributes: { ...attributes, [QueryAttribute.busy]: busy } }
    const span = tracer().startSpan(name, options, outer)
    span.end(this.#at(last))
    return span
  }

  /** On the wall clock, which does not step within the query. */
  #at(monotonic: number): number {
    return this.#wall + monotonic - this.#started
  }
}

function around(blocks: readonly BlockTimes[]): Stretch | undefined {
  const steps = blocks.flatMap(block => [...block.steps.values()])
  if (steps.length === 0) return undefined
  let [first, last, busy] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0]
  for (const step of steps) {
    first = Math.min(first, step.first)
    last = Math.max(last, step.last)
    busy += step.busy
  }
  return { first, last, busy }
}
