/** Reads OTLP trace requests in JSON: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding */

/** So that a request can be read here. */
export const JSON_ENV = { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }

export interface DecodedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: Readonly<Record<string, unknown>>
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[]
  readonly status: { readonly code: number; readonly message?: string }
  readonly scope: string
  readonly resource: Readonly<Record<string, unknown>>
}

type KeyValues = readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[]
type JsonSpan = Omit<DecodedSpan, 'attributes'> & { readonly attributes: KeyValues }
interface Request {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: KeyValues }
    readonly scopeSpans: readonly { readonly scope: { readonly name: string }; readonly spans: readonly JsonSpan[] }[]
  }[]
}

export function decodeSpans(request: Uint8Array): DecodedSpan[] {
  const { resourceSpans }: Request = JSON.parse(new TextDecoder().decode(request))
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans }) =>
      spans.map(span => ({
        ...span,
        attributes: valuesOf(span.attributes),
        scope: scope.name,
        resource: valuesOf(resource.attributes),
      })),
    ),
  )
}

function valuesOf(attributes: KeyValues): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))
}
