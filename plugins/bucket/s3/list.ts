/** One page of a listing. */
import type { ListObjectsV2CommandOutput } from '@aws-sdk/client-s3'
import type { ListPage } from 'blockgate'
import { S3Error } from './errors.ts'
import { infoOf } from './info.ts'
import type { Requests } from './requests.ts'

export interface ListOptions {
  readonly delimiter?: '/'
  readonly cursor?: string | undefined
  readonly signal: AbortSignal
}

/** At most 1,000 objects and common prefixes, as the store gives them; the cursor is its continuation token. */
export async function listPage(requests: Requests, prefix: string, options: ListOptions): Promise<ListPage> {
  const { delimiter, cursor, signal } = options
  const what = `prefix "${prefix}" must be listable`
  const input = {
    Bucket: requests.bucket,
    Prefix: prefix,
    // XML cannot hold some characters that a key may have.
    EncodingType: 'url' as const,
    ...(delimiter && { Delimiter: delimiter }),
    ...(cursor !== undefined && { ContinuationToken: cursor }),
  }
  const page = await requests.send<ListObjectsV2CommandOutput>(what, sdk => new sdk.ListObjectsV2Command(input), signal)
  const decode = page.EncodingType === 'url' ? decodeKey : (key: string) => key
  const keyOf = (key: string | undefined): string => {
    const decoded = decode(key ?? '')
    if (decoded === undefined || !decoded.startsWith(prefix)) throw wrong(what, `it has the key ${JSON.stringify(key)}`)
    return decoded
  }
  const objects = (page.Contents ?? []).map(object => infoOf(keyOf(object.Key), object.Size, object))
  const prefixes = (page.CommonPrefixes ?? []).map(common => keyOf(common.Prefix))
  return { objects, prefixes, cursor: cursorOf(what, page, objects.length + prefixes.length, cursor) }
}

/** An answer that was cut short, or that is not S3's at all, must never pass for the end of a listing. */
function cursorOf(
  what: string,
  page: ListObjectsV2CommandOutput,
  count: number,
  before: string | undefined,
): string | undefined {
  const { IsTruncated, NextContinuationToken, KeyCount } = page
  // Some stores do not count common prefixes in KeyCount: more than it says is fine, less is not.
  if (IsTruncated === undefined || count < (KeyCount ?? 0)) throw wrong(what, 'the page is not whole')
  if (!IsTruncated) return undefined
  if (!NextContinuationToken || NextContinuationToken === before) throw wrong(what, 'it does not say how to go on')
  return NextContinuationToken
}

/** As HTML forms encode: `+` is a space. Undefined where it is not well-formed. */
function decodeKey(key: string): string | undefined {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '))
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}

function wrong(what: string, why: string): S3Error {
  return new S3Error(`${what}: the answer cannot be used: ${why}`, { retryable: true })
}
