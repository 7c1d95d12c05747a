/** What the store says of an object. Its answers are untrusted: what is missing or makes no sense is an error. */
import type { ObjectInfo } from 'blockgate'
import { S3Error } from './errors.ts'

interface Told {
  readonly ETag?: string | undefined
  readonly LastModified?: Date | undefined
}

/** An etag may be missing: there are proxies that drop it. @throws S3Error where the time or the size is missing */
export function infoOf(key: string, size: number | undefined, { ETag, LastModified }: Told): ObjectInfo {
  const etag = ETag?.replace(/^"(.*)"$/, '$1') ?? ''
  const modified = LastModified?.getTime()
  if (modified === undefined || Number.isNaN(modified) || !isSize(size)) {
    throw new S3Error(
      `object "${key}" must have a size and a time: the store gives ${JSON.stringify({ size, modified })}`,
      {
        retryable: false,
      },
    )
  }
  return { key, size, etag, modified }
}

function isSize(size: number | undefined): size is number {
  return Number.isSafeInteger(size) && (size ?? -1) >= 0
}
