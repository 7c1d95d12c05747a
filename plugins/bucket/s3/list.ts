/** One page of a listing. */
import type { ListObjectsV2CommandOutput } from '@aws-sdk/client-s3'
import type { ListPage, UnreadableKey } from 'blockgate'
import { S3Error } from './errors.ts'
import { infoOf } from './info.ts'
import { decodeKey, guessKey } from './keys.ts'
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
  const unreadable: UnreadableKey[] = []
  /** The key and what else the store says of it, or nothing where that makes no sense: the rest of the page does. */
  const each = <T>(given: string | undefined, told: (key: string) => T): readonly T[] => {
    const raw = given ?? ''
    const key = page.EncodingType === 'url' ? decodeKey(raw) : raw
    const near = key ?? guessKey(raw)
    if (!near.startsWith(prefix)) throw wrong(what, `it has the key ${JSON.stringify(raw)}`)
    try {
      if (key === undefined) throw new S3Error(`key ${JSON.stringify(raw)} of the listing must be URL-encoded`)
      return [told(key)]
    } catch (error) {
      unreadable.push({ key: near, error })
      return []
    }
  }
  const objects = (page.Contents ?? []).flatMap(object => each(object.Key, key => infoOf(key, object.Size, object)))
  const prefixes = (page.CommonPrefixes ?? []).flatMap(common => each(common.Prefix, key => key))
  const count = objects.length + prefixes.length + unreadable.length
  return {
    objects,
    prefixes,
    ...(unreadable.length > 0 && { unreadable }),
    cursor: cursorOf(what, page, count, cursor),
  }
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

function wrong(what: string, why: string): S3Error {
  return new S3Error(`${what}: the answer cannot be used: ${why}`, { retryable: true })
}
