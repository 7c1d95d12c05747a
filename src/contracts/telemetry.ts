/** Span names, attribute keys and metrics; those of runs and blocks: block-telemetry.ts, of requests to a bucket: bucket-telemetry.ts, of queries: query-telemetry.ts. Attributes hold ids, counts and reasons: never options or labels. */
import { type Span, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api'
import { VERSION } from '../version.ts'
import { codeOf, ErrorCode, rawMessageOf } from './errors.ts'
import { recordException } from './exceptions.ts'

export { METRICS, type MetricInfo } from './metric-table.ts'

export const SpanName = {
  claim: 'ownership.claim',
  /** Of a block that is loaded ahead. */
  warm: 'block warmed',
  source: (name: string): string => `source.${name}`,
  set: (name: string): string => `set.${name}`,
  stage: (name: string): string => `block.${name}`,
} as const

/** The allow-list: a key that is not here is never put on a span. */
export const Attribute = {
  runComplete: 'blockgate.run.complete',
  blocksSeen: 'blockgate.blocks.seen',
  blocksIn: 'blockgate.blocks.in',
  blocksOut: 'blockgate.blocks.out',
  pages: 'blockgate.pages',
  blockId: 'block.id',
  reason: 'block.outcome.reason',
  claimStatus: 'ownership.status',
  claimEpoch: 'ownership.epoch',
  claimFence: 'ownership.fence',
  owners: 'ownership.owners',
  bucketAttempts: 'bucket.attempts',
  /** ms. */
  retryPause: 'retry.pause_ms',
  errorCode: 'error.type',
} as const

/** The tracer, looked up at each use: a provider that is set later, or replaced in a test, is found. */
export function tracer(): Tracer {
  return trace.getTracer('blockgate', VERSION)
}

/** `at`: when it failed, ms since the epoch, of a span that is told later. Default: now. */
export function markFailed(span: Span, error: unknown, at?: number): void {
  span.setAttribute(Attribute.errorCode, codeOf(error) ?? ErrorCode.internal)
  span.setStatus({ code: SpanStatusCode.ERROR, message: rawMessageOf(error) })
  recordException(span, error, rawMessageOf(error), at)
}
