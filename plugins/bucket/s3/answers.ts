/** What the store says of objects. Its answers are untrusted: what is missing or makes no sense is an error. */
import type { ObjectInfo } from 'blockgate'
import { S3Error } from './errors.ts'

interface Told {
  readonly ETag?: string | undefined
  readonly LastModified?: Date | undefined
}

/** An etag may be missing: there are proxies that drop it. @throws S3Error where the time or the size is missing */
export function infoOf(key: string, size: number | undefined, { ETag, LastModified }: Told): ObjectInfo {
  const etag = ETag?.replace(/^"(.*)"$/, '$1') ?? ''
  const modified = LastModified?.getTime() ?? Number.NaN
  if (size !== undefined && Number.isSafeInteger(size) && size >= 0 && !Number.isNaN(modified)) {
    return { key, size, etag, modified }
  }
  const told = JSON.stringify({ size, modified: LastModified })
  throw new S3Error(`the store gives no size or no time of object "${key}": ${told}`, { retryable: false })
}

/** A key of a listing, URL-encoded as HTML forms are: `+` is a space. Undefined where it is not well-formed. */
export function decodeKey(key: string): string | undefined {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '))
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}

/** A key that is not well-formed, as far as it can be decoded: mostly its folder can still be recognized. */
export function guessKey(key: string): string {
  const decode = (escapes: string) => {
    const bytes = escapes
      .slice(1)
      .split('%')
      .map(hex => Number.parseInt(hex, 16))
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(bytes))
  }
  return key.replaceAll('+', ' ').replaceAll(/(?:%[0-9a-f]{2})+/gi, decode)
}
