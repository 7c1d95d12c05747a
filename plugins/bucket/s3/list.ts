/** One page of a listing. */
import type { ListObjectsCommandOutput, ListObjectsV2CommandOutput } from '@aws-sdk/client-s3'
import type { ListPage, RequestOptions, UnreadableKey } from 'blockgate'
import { compareKeys } from 'blockgate/bucket'
import { decodeKey, guessKey, infoOf } from './answers.ts'
import { S3Error } from './errors.ts'
import type { Requests } from './requests.ts'

export interface ListOptions extends RequestOptions {
  readonly delimiter?: '/'
  /** By version 2 of the protocol the store's token, by version 1 the last key or common prefix of the page before. */
  readonly cursor?: string | undefined
  readonly after?: string | undefined
}

/** Of both versions: what a page of either one has. */
type Output = ListObjectsV2CommandOutput & Pick<ListObjectsCommandOutput, 'NextMarker'>

/** At most 1,000 objects and common prefixes, as the store gives them. */
export async function listPage(requests: Requests, prefix: string, options: ListOptions): Promise<ListPage> {
  const { cursor } = options
  const isFirst = requests.options.listVersion === 1
  const what = `cannot list prefix "${prefix}"`
  const page = await ask(requests, what, prefix, options)
  const unreadable: UnreadableKey[] = []
  /** The key and what else the store says of it, or nothing where that makes no sense: the rest of the page does. */
  const each = <T>(given: string | undefined, told: (key: string) => T): readonly T[] => {
    const raw = given ?? ''
    const key = page.EncodingType === 'url' ? decodeKey(raw) : raw
    const near = key ?? guessKey(raw)
    if (!near.startsWith(prefix)) throw wrong(what, `it has the key ${JSON.stringify(raw)}`)
    try {
      if (key === undefined) throw new S3Error(`key ${JSON.stringify(raw)} of the listing is not URL-encoded`)
      return [told(key)]
    } catch (error) {
      unreadable.push({ key: near, error })
      return []
    }
  }
  const objects = (page.Contents ?? []).flatMap(object => each(object.Key, key => infoOf(key, object.Size, object)))
  const prefixes = (page.CommonPrefixes ?? []).flatMap(common => each(common.Prefix, key => key))
  // Some stores do not count common prefixes in KeyCount: more than it says is fine, less is not.
  const count = objects.length + prefixes.length + unreadable.length
  if (page.IsTruncated === undefined || count < (page.KeyCount ?? 0)) throw wrong(what, 'the page is not whole')
  const next = isFirst ? markerOf(page, [...objects.map(({ key }) => key), ...prefixes]) : tokenOf(what, page)
  // A page that leads to itself, or is no listing at all, must never pass for the end of one.
  const stuck = next === undefined || next === cursor || (isFirst && compareKeys(next, cursor ?? '') < 0)
  if (page.IsTruncated && stuck) throw wrong(what, 'it does not say where the next page is')
  return {
    objects,
    // By version 1 the common prefix that the page before ended with may come again.
    prefixes: isFirst ? prefixes.filter(common => common !== cursor) : prefixes,
    ...(unreadable.length > 0 && { unreadable }),
    cursor: page.IsTruncated ? next : undefined,
  }
}

async function ask(
  requests: Requests,
  what: string,
  prefix: string,
  { delimiter, cursor, after, ...request }: ListOptions,
): Promise<Output> {
  const { bucket, listVersion } = requests.options
  // XML cannot hold some characters that a key may have.
  const input = { Bucket: bucket, Prefix: prefix, EncodingType: 'url', Delimiter: delimiter } as const
  if (listVersion === 1) {
    const call = { method: 'ListObjects', what, ...request }
    return await requests.send(call, sdk => new sdk.ListObjectsCommand({ ...input, Marker: cursor ?? after }))
  }
  const start = cursor === undefined && after !== undefined && { StartAfter: after }
  const command = { ...input, ContinuationToken: cursor, ...start }
  try {
    return await requests.send(
      { method: 'ListObjectsV2', what, ...request },
      sdk => new sdk.ListObjectsV2Command(command),
    )
  } catch (error) {
    if (!(error instanceof S3Error && cursor === undefined && REFUSED.test(error.s3Code ?? ''))) throw error
    throw new S3Error(`${error.rawMessage} (${ONLY_1})`, error)
  }
}

/** What a store may say of a parameter that it does not know. */
const REFUSED = /^(Invalid(Argument|Request|URI)|MethodNotAllowed|NotImplemented|Unsupported\w+)$/

const ONLY_1 = 'for a store that lists by version 1 only give option listVersion: 1'

/** A store that does not know version 2 answers by version 1: that shows, and matters, where another page follows. */
function tokenOf(what: string, { IsTruncated, KeyCount, NextContinuationToken }: Output): string | undefined {
  if (IsTruncated && KeyCount === undefined && !NextContinuationToken) {
    throw new S3Error(`${what}: the store answers by version 1 of listings: ${ONLY_1}`, { retryable: false })
  }
  return NextContinuationToken || undefined
}

/** Most stores give a marker only with a delimiter: without one it is the last name of the page. */
function markerOf({ EncodingType, NextMarker }: Output, names: readonly string[]): string | undefined {
  const marker = EncodingType === 'url' ? decodeKey(NextMarker ?? '') : NextMarker
  return marker || names.toSorted(compareKeys).at(-1)
}

function wrong(what: string, why: string): S3Error {
  return new S3Error(`${what}: the answer cannot be used: ${why}`, { retryable: true })
}
