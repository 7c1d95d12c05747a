/**
 * Spans of requests to stores and lock servers. They are made when the request has ended, with the times it had: whether it is worth
 * a span may depend on how it ended.
 */
import { type Attributes, type Context, context, ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api'
import { isGoingOn, startSpan } from '../contracts/spans.ts'
import { Attribute, markFailed } from '../contracts/telemetry.ts'

/** The allow-list: a key that is not here is never put on these spans. The `db.*` are OpenTelemetry's, for Redis. */
export const StoreAttribute = {
  system: 'db.system.name',
  operation: 'db.operation.name',
  script: 'db.stored_procedure.name',
  database: 'db.namespace',
  refusal: 'db.response.status_code',
  address: 'server.address',
  port: 'server.port',
  /** What the store answered to a step, such as `ok` or `frozen`. */
  status: 'store.status',
  lock: 'lock.resource',
  lockResult: 'lock.result',
  lockServers: 'lock.servers',
  lockQuorum: 'lock.quorum',
  lockGranted: 'lock.granted',
} as const

/** A request that has ended. */
export interface StoreRequest {
  readonly name: string
  /** `client` for one to another process. Default 'client'. */
  readonly kind?: 'client' | 'internal'
  /** ms since the epoch, as `ended`. */
  readonly started: number
  readonly ended: number
  readonly attributes: Attributes
  /** Requests that it consists of. */
  readonly below?: readonly StoreRequest[]
  /** `type`: a word for it where its code says less, such as `READONLY`. */
  readonly failure?: { readonly error: unknown; readonly type?: string | undefined } | undefined
}

/** Where a request that begins now belongs: below the active span, or alone where there is none that goes on. */
export function outerOfRequest(): Context {
  const active = trace.getActiveSpan()
  return active && isGoingOn(active) ? context.active() : ROOT_CONTEXT
}

/** Makes the span, and those below it. */
export function tellRequest(request: StoreRequest, outer: Context): void {
  const { name, kind = 'client', started, ended, attributes, below = [], failure } = request
  const options = { kind: kind === 'client' ? SpanKind.CLIENT : SpanKind.INTERNAL, startTime: started, attributes }
  const span = startSpan(name, options, outer)
  for (const each of below) tellRequest(each, trace.setSpan(outer, span))
  if (failure) {
    markFailed(span, failure.error, ended)
    if (failure.type !== undefined) span.setAttribute(Attribute.errorCode, failure.type)
  }
  span.end(ended)
}
