/**
 * What a collector says of a batch that it took: `ExportTraceServiceResponse` of
 * https://github.com/open-telemetry/opentelemetry-proto/blob/v1.9.0/opentelemetry/proto/collector/trace/v1/trace_service.proto.
 */
import { ProtoReader } from '../../query/remote-read/proto-reader.ts'

export interface PartialSuccess {
  /** Spans that it did not take. */
  readonly rejected: number
  /** Why. */
  readonly detail: string
}

const ALL: PartialSuccess = { rejected: 0, detail: '' }

/** A body that is no such message, as a proxy's page, changes nothing: the status said that the batch was taken. */
export function partialSuccess(answer: Uint8Array, encoding: 'protobuf' | 'json'): PartialSuccess {
  try {
    return encoding === 'json' ? fromJson(answer) : fromProtobuf(answer)
  } catch {
    return ALL
  }
}

function fromJson(answer: Uint8Array): PartialSuccess {
  // An int64 is a string in JSON.
  const { rejectedSpans, errorMessage } = Object(Object(JSON.parse(new TextDecoder().decode(answer))).partialSuccess)
  return { rejected: Number(rejectedSpans ?? 0), detail: String(errorMessage ?? '') }
}

function fromProtobuf(answer: Uint8Array): PartialSuccess {
  const response = new ProtoReader(answer, 'ExportTraceServiceResponse')
  for (let next = response.next(); next; next = response.next()) {
    if (next.field !== 1 || next.type !== 2) {
      response.skip(next.type)
      continue
    }
    let { rejected, detail } = ALL
    const partial = new ProtoReader(response.bytes(), 'ExportTracePartialSuccess')
    for (let inner = partial.next(); inner; inner = partial.next()) {
      if (inner.field === 1 && inner.type === 0) rejected = partial.int()
      else if (inner.field === 2 && inner.type === 2) detail = partial.text()
      else partial.skip(inner.type)
    }
    return { rejected, detail }
  }
  return ALL
}
