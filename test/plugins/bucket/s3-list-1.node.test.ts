// A store that lists by version 1 only, as S3 was before 2016 and some stores still are.
import type { Bucket } from 'blockgate'
import { memoryBucket } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { startedS3 } from '../../support/started-s3.ts'
import { type Answer, s3Failure, stubStore } from '../../support/stub-store.ts'

const { signal } = new AbortController()

const KEYS = ['a', 'b c/1', 'b c/2', 'b c/3', 'b+c/1', 'd/1', 'd/2/3', 'd/2/4', 'e/1', 'e/2', 'f%2F', 'größe/1', 'z']

interface Quirks {
  /** When the store gives a NextMarker: as S3 only with a delimiter, never, or always. */
  readonly marker?: 'delimiter' | 'never' | 'always'
  /** What is in a common prefix and behind the marker comes as that common prefix again. */
  readonly again?: boolean
  /** Takes no notice of the marker. */
  readonly deaf?: boolean
}

const xml = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
const tag = (name: string, inner: string) => `<${name}>${inner}</${name}>`

/** Lists `keys` by pages of `size`; whatever version it is asked for, it answers by the first. */
async function store(
  keys: readonly string[],
  size: number,
  { marker = 'delimiter', again = false, deaf = false }: Quirks = {},
) {
  const held = memoryBucket({ pageSize: size })
  for (const key of keys) await held.put(key, new Uint8Array(1), { signal })
  const answer: Answer = async (request, response) => {
    const asked = new URL(request.url ?? '', 'http://store').searchParams
    const encode = asked.get('encoding-type') === 'url' ? encodeURIComponent : xml
    const delimiter = asked.get('delimiter') === '/' ? ('/' as const) : undefined
    const from = deaf ? undefined : (asked.get('marker') ?? undefined)
    // A cursor of memoryBucket is the last key or common prefix, as a marker is; one byte more is what is behind a common prefix itself.
    const cursor = again && from?.endsWith('/') ? `${from}\u0001` : from
    const page = await held.list(asked.get('prefix') ?? '', { cursor, signal, ...(delimiter && { delimiter }) })
    const told = marker === 'always' || (marker === 'delimiter' && delimiter)
    const objects = page.objects.map(({ key }) =>
      tag(
        'Contents',
        `${tag('Key', encode(key))}<LastModified>2026-11-22T21:10:52.763Z</LastModified><ETag>"e"</ETag><Size>1</Size>`,
      ),
    )
    const prefixes = page.prefixes.map(prefix => tag('CommonPrefixes', tag('Prefix', encode(prefix))))
    const head = [
      tag('Marker', encode(from ?? '')),
      tag('IsTruncated', String(page.cursor !== undefined)),
      encode === xml ? '' : '<EncodingType>url</EncodingType>',
      told && page.cursor !== undefined ? tag('NextMarker', encode(page.cursor)) : '',
    ]
    response.end(`<?xml version="1.0"?>${tag('ListBucketResult', [...head, ...objects, ...prefixes].join(''))}`)
  }
  return await stubStore(answer)
}

async function all(bucket: Bucket, prefix: string, delimiter?: '/'): Promise<readonly (readonly string[])[]> {
  const objects: string[] = []
  const prefixes: string[] = []
  let cursor: string | undefined
  do {
    const page = await bucket.list(prefix, { cursor, signal, ...(delimiter && { delimiter }) })
    objects.push(...page.objects.map(object => object.key))
    prefixes.push(...page.prefixes)
    cursor = page.cursor
  } while (cursor !== undefined)
  return [objects, prefixes]
}

describe('s3() on a store that lists by version 1 only', () => {
  it('says so, for good, where a page has another behind it: no listing is cut, none goes on for ever', async () => {
    for (const marker of ['delimiter', 'never', 'always'] as const) {
      await using old = await store(KEYS, 5, { marker })
      await using bucket = await startedS3({ endpoint: old.endpoint })
      await expect(bucket.list('', { signal })).rejects.toMatchObject({
        rawMessage:
          'prefix "" must be listable: the store answers by version 1 of listings: a store that lists by version 1 only must be given option listVersion: 1',
        retryable: false,
      })
    }
  })

  it('lists a bucket of one page all the same', async () => {
    await using old = await store(KEYS, 50)
    await using bucket = await startedS3({ endpoint: old.endpoint })
    expect(await all(bucket, '')).toEqual([KEYS, []])
  })

  it.each<[number, Quirks]>([
    [1, {}],
    [2, { marker: 'never' }],
    [3, { marker: 'always' }],
    [2, { again: true }],
    [2, { again: true, marker: 'never' }],
    [50, {}],
  ])('lists all of it by listVersion 1, with pages of %i and %j', async (size, quirks) => {
    await using old = await store(KEYS, size, quirks)
    await using bucket = await startedS3({ endpoint: old.endpoint, listVersion: 1 })
    expect(await all(bucket, '')).toEqual([KEYS, []])
    expect(await all(bucket, '', '/')).toEqual([
      ['a', 'f%2F', 'z'],
      ['b c/', 'b+c/', 'd/', 'e/', 'größe/'],
    ])
    expect(await all(bucket, 'd/', '/')).toEqual([['d/1'], ['d/2/']])
    expect(await all(bucket, 'no/')).toEqual([[], []])
    expect(old.requests.join()).not.toContain('list-type')
  })

  it('fails where the store takes no notice of the marker', async () => {
    await using old = await store(KEYS, 5, { deaf: true })
    await using bucket = await startedS3({ endpoint: old.endpoint, listVersion: 1 })
    await expect(all(bucket, '')).rejects.toThrow('it does not say how to go on')
  })

  it('fails where a marker leads back: such a listing would never end', async () => {
    const back: Answer = (request, response) => {
      const marker = request.url?.includes('marker=c') ? 'b' : 'c'
      response.end(
        `<ListBucketResult><IsTruncated>true</IsTruncated><NextMarker>${marker}</NextMarker></ListBucketResult>`,
      )
    }
    await using old = await stubStore(back)
    await using bucket = await startedS3({ endpoint: old.endpoint, listVersion: 1 })
    await expect(all(bucket, '')).rejects.toThrow('it does not say how to go on')
    expect(old.requests).toHaveLength(2)
  })

  it.each([
    [501, 'NotImplemented'],
    [400, 'InvalidArgument'],
    [405, 'MethodNotAllowed'],
  ])('names the option where the store refuses with %i %s', async (status, code) => {
    await using old = await stubStore(s3Failure(status, code, { message: 'no list-type' }))
    await using bucket = await startedS3({ endpoint: old.endpoint })
    await expect(bucket.list('', { signal })).rejects.toMatchObject({
      rawMessage: expect.stringMatching(/no list-type \(a store .* must be given option listVersion: 1\)$/),
      status,
      retryable: false,
    })
    await using first = await startedS3({ endpoint: old.endpoint, listVersion: 1 })
    await expect(first.list('', { signal })).rejects.toThrow(/no list-type$/)
  })
})
