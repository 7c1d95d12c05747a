/** `key=value,key2=value2`, percent-encoded: the form of OTEL_EXPORTER_OTLP_HEADERS and OTEL_RESOURCE_ATTRIBUTES. */

/**
 * The pairs in order, or the position (from 1) of the first entry that is none. The position and not the text: what is
 * in a header is a secret.
 *
 * Format: https://opentelemetry.io/docs/specs/otel/protocol/exporter/#specifying-headers-via-environment-variables
 */
export function parseKeyValues(text: string): readonly (readonly [string, string])[] | number {
  const pairs: [string, string][] = []
  for (const [index, entry] of text.split(',').entries()) {
    if (entry.trim() === '') continue
    const equals = entry.indexOf('=')
    const key = decode(entry.slice(0, Math.max(equals, 0)))
    const value = decode(entry.slice(equals + 1))
    if (key === undefined || key === '' || value === undefined) return index + 1
    pairs.push([key, value])
  }
  return pairs
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.trim())
  } catch {
    return undefined
  }
}
