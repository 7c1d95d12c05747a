/** Every span name, attribute key and metric, in one place. Attributes hold ids, counts and reasons: never options or labels. */
import { type Tracer, trace } from '@opentelemetry/api'

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
  errorCode: 'error.type',
} as const

/** The tracer, looked up at each use: a provider that is set later, or replaced in a test, is found. */
export function tracer(): Tracer {
  return trace.getTracer('blockgate')
}
