/** Keys of a listing: URL-encoded, for XML cannot hold all of them. */

const ESCAPES = /(?:%[0-9a-f]{2})+/gi

/** As HTML forms encode: `+` is a space. Undefined where it is not well-formed. */
export function decodeKey(key: string): string | undefined {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '))
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}

/** As near as can be told: which folder a key that is not well-formed stands in is mostly still to be seen. */
export function guessKey(key: string): string {
  const decode = (escapes: string) => {
    const bytes = escapes
      .slice(1)
      .split('%')
      .map(hex => Number.parseInt(hex, 16))
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(bytes))
  }
  return key.replaceAll('+', ' ').replaceAll(ESCAPES, decode)
}
