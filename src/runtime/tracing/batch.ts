/** Spans that leave together, as the body of one request: https://opentelemetry.io/docs/specs/otlp/#otlphttp-request */
import { type Attributes, isSpanContextValid, type Link } from '@opentelemetry/api'
import { resourceBytes, scopeBytes, writeSpan } from './encode.ts'
import { jsonRequest } from './encode-json.ts'
import { ProtobufWriter } from './protobuf.ts'
import { isSampledBy } from './sampling.ts'
import { type LocalSpan, LocalSpanContext, type Scope } from './span.ts'

export interface Batch {
  readonly spans: number
  add(span: LocalSpan): void
  body(): Uint8Array<ArrayBuffer>
}

/** @param resource its attributes */
export function batchMaker(encoding: 'protobuf' | 'json', resource: Attributes): () => Batch {
  if (encoding === 'json') return () => new JsonBatch(resource)
  const common = { resource: resourceBytes(resource), size: 2 ** 14 }
  return () => new ProtobufBatch(common)
}

/** What the batches of a process have in common. */
interface Common {
  readonly resource: Uint8Array
  /** Bytes that a batch is likely to take. */
  size: number
}

/** A span is encoded as it ends: bytes are a sixth of what it takes as objects, and no work for the collector of garbage. */
class ProtobufBatch implements Batch {
  readonly #common: Common
  readonly #byScope = new Map<Scope, ProtobufWriter>()
  spans = 0

  constructor(common: Common) {
    this.#common = common
  }

  add(span: LocalSpan): void {
    let writer = this.#byScope.get(span.scope)
    if (!writer) {
      writer = new ProtobufWriter(this.#common.size)
      writer.bytes(1, scopeBytes(span.scope))
      this.#byScope.set(span.scope, writer)
    }
    if (span.links.length > 0) span.links = span.links.filter(isExported)
    writeSpan(writer, span)
    this.spans++
  }

  body(): Uint8Array<ArrayBuffer> {
    const { resource } = this.#common
    const scopes = [...this.#byScope.values()]
    const request = new ProtobufWriter(scopes.reduce((sum, { length }) => sum + length, resource.length + 100))
    const start = request.open(1)
    request.bytes(1, resource)
    for (const scope of scopes) request.bytes(2, scope.finish())
    request.close(start)
    // A buffer that is too small is copied into one of twice its size.
    this.#common.size = Math.ceil(1.1 * request.length)
    return request.finish()
  }
}

class JsonBatch implements Batch {
  readonly #resource: Attributes
  readonly #spans: LocalSpan[] = []

  constructor(resource: Attributes) {
    this.#resource = resource
  }

  get spans(): number {
    return this.#spans.length
  }

  add(span: LocalSpan): void {
    if (span.links.length > 0) span.links = span.links.filter(isExported)
    this.#spans.push(span)
  }

  body(): Uint8Array<ArrayBuffer> {
    return jsonRequest(this.#resource, this.#spans)
  }
}

/** A link to what nobody exports would lead nowhere. What is open still is kept for the sake of the link. */
function isExported({ context }: Link): boolean {
  if (context instanceof LocalSpanContext) return context.trace.keep()
  return isSpanContextValid(context) && isSampledBy(context)
}
