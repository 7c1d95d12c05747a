/** The span of a run, and whether anybody traces at all. */
import { type Context, isSpanContextValid, ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api'
import type { BlockgateError } from '../contracts/errors.ts'
import type { RunReason } from '../contracts/stage.ts'
import type { RunSummary } from '../contracts/summary.ts'
import { Attribute, markFailed, SpanName, tracer } from '../contracts/telemetry.ts'

export interface RunSpan {
  readonly span: Span
  /** Source and set stages stand under it. */
  readonly context: Context
  /** False where no provider is installed: then nothing is written down for spans that nobody would get. */
  readonly enabled: boolean
}

export function startRunSpan(id: string, reason: RunReason, instance: string): RunSpan {
  const attributes = { [Attribute.runId]: id, [Attribute.runReason]: reason, [Attribute.instance]: instance }
  const span = tracer().startSpan(SpanName.run, { attributes }, ROOT_CONTEXT)
  // A sampled-out run still has a valid id, and its blocks are sampled for themselves; without a provider there is none.
  return { span, context: trace.setSpan(ROOT_CONTEXT, span), enabled: isSpanContextValid(span.spanContext()) }
}

export function endRunSpan(span: Span, { run, blocks }: RunSummary, error: BlockgateError | undefined): void {
  span.setAttributes({
    [Attribute.runComplete]: run.complete,
    [Attribute.blocksSeen]: blocks.seen,
    [Attribute.blocksAdded]: blocks.added,
    [Attribute.blocksSkipped]: blocks.skipped,
    [Attribute.blocksFailed]: blocks.failed,
    [Attribute.blocksDropped]: blocks.dropped,
  })
  if (error) markFailed(span, error)
  span.end()
}
