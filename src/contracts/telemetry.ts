/** Every span name, attribute key and metric, in one place; those of queries: query-telemetry.ts. Attributes hold ids, counts and reasons: never options or labels. */
import {
  type Attributes,
  type Context,
  context,
  type Span,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { codeOf, ErrorCode, rawMessageOf } from './errors.ts'
import { recordException } from './exceptions.ts'

export { METRICS, type MetricInfo } from './metric-table.ts'

export const SpanName = {
  run: 'sync.run',
  block: 'sync.block',
  claim: 'ownership.claim',
  source: (name: string): string => `source.${name}`,
  set: (name: string): string => `set.${name}`,
  stage: (name: string): string => `block.${name}`,
  bucket: (op: string): string => `bucket.${op}`,
} as const

/** The allow-list: a key that is not here is never put on a span. */
export const Attribute = {
  runId: 'blockgate.run.id',
  runReason: 'blockgate.run.reason',
  runComplete: 'blockgate.run.complete',
  blocksSeen: 'blockgate.blocks.seen',
  blocksAdded: 'blockgate.blocks.added',
  blocksSkipped: 'blockgate.blocks.skipped',
  blocksFailed: 'blockgate.blocks.failed',
  blocksDropped: 'blockgate.blocks.dropped',
  blocksIn: 'blockgate.blocks.in',
  blocksOut: 'blockgate.blocks.out',
  pages: 'blockgate.pages',
  blockId: 'block.id',
  blockLevel: 'block.compaction.level',
  outcome: 'block.outcome',
  by: 'block.outcome.by',
  reason: 'block.outcome.reason',
  attempt: 'block.attempt',
  instance: 'blockgate.instance.id',
  claimStatus: 'ownership.status',
  claimEpoch: 'ownership.epoch',
  claimFence: 'ownership.fence',
  bucketKey: 'bucket.key',
  bucketPrefix: 'bucket.prefix',
  bucketBytes: 'bucket.bytes',
  bucketObjects: 'bucket.objects',
  bucketResult: 'bucket.result',
  bucketAttempts: 'bucket.attempts',
  bucketRange: 'bucket.range',
  httpStatus: 'http.response.status_code',
  /** ms. */
  retryPause: 'retry.pause_ms',
  errorCode: 'error.type',
} as const

/** The tracer, looked up at each use: a provider that is set later, or replaced in a test, is found. */
export function tracer(): Tracer {
  return trace.getTracer('blockgate')
}

/** Runs `work` inside a span below `outer`, which ends with it. */
export async function inSpan<T>(
  name: string,
  attributes: Attributes,
  outer: Context,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  const span = tracer().startSpan(name, { attributes }, outer)
  try {
    return await context.with(trace.setSpan(outer, span), work, undefined, span)
  } catch (error) {
    markFailed(span, error)
    throw error
  } finally {
    span.end()
  }
}

/** `at`: when it failed, ms since the epoch, of a span that is told later. Default: now. */
export function markFailed(span: Span, error: unknown, at?: number): void {
  span.setAttribute(Attribute.errorCode, codeOf(error) ?? ErrorCode.internal)
  span.setStatus({ code: SpanStatusCode.ERROR, message: rawMessageOf(error) })
  recordException(span, error, rawMessageOf(error), at)
}
