/** What the store says of an object. Its answers are untrusted: what is missing or makes no sense is an error. */
import type { ObjectInfo } from 'blockgate'
import { S3Error } from './errors.ts'

interface Told {
  readonly ETag?: string | undefined
  readonly LastModified?: Date | undefined
}

/** @throws S3Error where the etag, the time or the size is missing */
export function infoOf(key: string, size: number | undefined, { ETag, LastModified }: Told): ObjectInfo {
  const etag = ETag?.replace(/^"(.*)"$/, '$1')
  const modified = LastModified?.getTime()
  if (!etag || modified === undefined || Number.isNaN(modified) || !isSize(size)) {
    throw new S3Error(
      `object "${key}" must have a size, an etag and a time: the store gives ${JSON.stringify({ size, etag, modified })}`,
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
