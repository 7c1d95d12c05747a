// Pages of listings: what is made of a store's answers, by version 2 and, as S3 did before 2016 and some stores still do, by 1.
import { type Bucket, codeOf, type ListPage } from 'blockgate'
import { memoryBucket } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { asked, onBothPaths, startedS3 } from '../../support/started-s3.ts'
import { type Answer, s3Failure, stubStore } from '../../support/stub-store.ts'

const { signal } = new AbortController()

const tag = (name: string, inner: string) => `<${name}>${inner}</${name}>`
const listing = (inner: string) => `<?xml version="1.0"?>${tag('ListBucketResult', inner)}`
const TIME = tag('LastModified', '2026-11-22T21:10:52.763Z')
const ETAG = '<ETag>&quot;e1&quot;</ETag>'
const object = (key: string, rest = `<Size>3</Size>${TIME}${ETAG}`) => tag('Contents', tag('Key', key) + rest)
const common = (prefix: string) => tag('CommonPrefixes', tag('Prefix', prefix))

/** What is made of a page with `inner`. */
async function page(inner: string, options: { readonly delimiter?: '/'; readonly cursor?: string } = {}) {
  const answer: Answer = (_, response) => void response.end(listing(inner))
  return (await asked(answer, bucket => bucket.list('a', { ...options, signal }))).result
}

const KEYS = ['a', 'b c/1', 'b c/2', 'b c/3', 'b+c/1', 'd/1', 'd/2/3', 'd/2/4', 'e/1', 'e/2', 'f%2F', 'größe/1', 'z']

interface Quirks {
  /** When the store gives a NextMarker: as S3 only with a delimiter, never, or always. */
  readonly marker?: 'delimiter' | 'never' | 'always'
  /** What is in a common prefix and behind the marker comes as that common prefix again. */
  readonly again?: boolean
  /** Takes no notice of the marker. */
  readonly deaf?: boolean
}

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
    const encode = asked.get('encoding-type') === 'url' ? encodeURIComponent : (text: string) => text
    const delimiter = asked.get('delimiter') === '/' ? ('/' as const) : undefined
    const from = deaf ? undefined : (asked.get('marker') ?? undefined)
    // A cursor of memoryBucket is the last key or common prefix, as a marker is; one byte more is what is behind a common prefix itself.
    const cursor = again && from?.endsWith('/') ? `${from}\u0001` : from
    const page = await held.list(asked.get('prefix') ?? '', { cursor, signal, ...(delimiter && { delimiter }) })
    const told = page.cursor !== undefined && (marker === 'always' || (marker === 'delimiter' && delimiter))
    const parts = [
      tag('IsTruncated', String(page.cursor !== undefined)),
      encode === encodeURIComponent ? '<EncodingType>url</EncodingType>' : '',
      told ? tag('NextMarker', encode(page.cursor ?? '')) : '',
      ...page.objects.map(({ key }) => object(encode(key))),
      ...page.prefixes.map(prefix => common(encode(prefix))),
    ]
    response.end(listing(parts.join('')))
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

onBothPaths(() => {
  describe('a page of a listing', () => {
    const whole = '<IsTruncated>false</IsTruncated><KeyCount>1</KeyCount>'
    const more = '<IsTruncated>true</IsTruncated><KeyCount>1</KeyCount>'
    const url = '<EncodingType>url</EncodingType>'

    it.each([
      ['encoded', url + object('a%2Bb+c%20d/%E2%82%AC%01'), 'a+b c d/€\u0001'],
      ['as they are', object('a+b%20c'), 'a+b%20c'],
    ])('may have its keys %s', async (_, inner, key) => {
      expect(await page(whole + inner)).toMatchObject({ objects: [{ key, size: 3, etag: 'e1' }], cursor: undefined })
    })

    it.each([
      ['fewer keys than it says', `<IsTruncated>false</IsTruncated><KeyCount>2</KeyCount>${object('a/1')}`],
      ['no word of whether it is the last', object('a/1')],
      ['another page, but no way to it', more + object('a/1')],
      ['another page, which is itself', `${more}<NextContinuationToken>t1</NextContinuationToken>${object('a/1')}`],
      ['a key that is not below the prefix', whole + object('b/1')],
      ['a key that is near no key below the prefix', whole + url + object('%E2%82b')],
      ['a key that was cut short', '<Contents><Key>a/1</Key></Cont'],
    ])('that has %s is an error, not the end of the listing', async (_, inner) => {
      expect(await page(inner, { cursor: 't1' })).toMatchObject({ code: 'bucket-failed', retryable: true })
    })

    it('that is no listing at all, or breaks off in the middle, is an error that may be tried again', async () => {
      const broken: Answer = (_, response) => {
        response.writeHead(200, { 'content-length': '5000' })
        response.write(listing(whole), () => response.socket?.destroy())
      }
      for (const answer of [broken, (_, response) => void response.end('<html>hello</html>')] satisfies Answer[]) {
        const { result } = await asked(answer, bucket => bucket.list('a', { signal }))
        expect(result).toMatchObject({ code: 'bucket-failed', retryable: true })
      }
    })

    it('leads on by the token of the store', async () => {
      const leading = `${more}<NextContinuationToken>t1</NextContinuationToken>${object('a/1')}`
      expect(await page(leading)).toMatchObject({ cursor: 't1' })
    })

    it.each([
      ['an escape that is cut off', object('a/2%E2%82'), 'a/2\ufffd'],
      ['an escape of no hex', object('a/%C3%BC/2%ZZ'), 'a/ü/2%ZZ'],
      ['a bare percent sign', object('a/2%'), 'a/2%'],
      ['bytes of no UTF-8', object('a%2F2%FF'), 'a/2\ufffd'],
      ['no size', object('a/2', ETAG + TIME), 'a/2'],
      ['a size that is none', object('a/2', `<Size>-1</Size>${ETAG}${TIME}`), 'a/2'],
      ['no time', object('a/2', `<Size>1</Size>${ETAG}`), 'a/2'],
    ])('that has one object with %s names that one, counts it, and has the others', async (_, inner, key) => {
      const counted = '<IsTruncated>false</IsTruncated><KeyCount>3</KeyCount>'
      const { objects, unreadable } = (await page(counted + url + object('a/1') + inner + object('a/3'))) as ListPage
      expect(objects.map(info => info.key)).toEqual(['a/1', 'a/3'])
      expect(unreadable?.map(at => [at.key, codeOf(at.error)])).toEqual([[key, 'bucket-failed']])
    })

    it('that has one common prefix which is encoded wrongly names that one', async () => {
      const inner = ['a/1/', 'a/2%ZZ/', 'a/3/'].map(common).join('')
      const { prefixes, unreadable } = (await page(whole + url + inner, { delimiter: '/' })) as ListPage
      expect([prefixes, unreadable?.map(at => at.key)]).toEqual([['a/1/', 'a/3/'], ['a/2%ZZ/']])
    })
  })

  describe('s3() on a store that lists by version 1 only', () => {
    it('says so, for good, where a page has another behind it: no listing is cut, none goes on for ever', async () => {
      for (const marker of ['delimiter', 'never', 'always'] as const) {
        await using old = await store(KEYS, 5, { marker })
        await using bucket = await startedS3({ endpoint: old.endpoint })
        await expect(bucket.list('', { signal })).rejects.toMatchObject({
          rawMessage: expect.stringMatching(/answers by version 1 of listings: .* give option listVersion: 1$/),
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
      await expect(all(bucket, '')).rejects.toThrow('it does not say where the next page is')
    })

    it('fails where a marker leads back: such a listing would never end', async () => {
      const back: Answer = (request, response) => {
        const marker = request.url?.includes('marker=c') ? 'b' : 'c'
        response.end(listing(tag('IsTruncated', 'true') + tag('NextMarker', marker)))
      }
      const { result, requests } = await asked(back, bucket => all(bucket, ''), { listVersion: 1 })
      expect(String(result)).toContain('it does not say where the next page is')
      expect(requests).toHaveLength(2)
    })

    it.each([
      [501, 'NotImplemented'],
      [400, 'InvalidArgument'],
      [405, 'MethodNotAllowed'],
    ])('names the option where the store refuses with %i %s', async (status, code) => {
      await using old = await stubStore(s3Failure(status, code, { message: 'no list-type' }))
      await using bucket = await startedS3({ endpoint: old.endpoint })
      await expect(bucket.list('', { signal })).rejects.toMatchObject({
        rawMessage: expect.stringMatching(/no list-type \(for a store .* give option listVersion: 1\)$/),
        status,
        retryable: false,
      })
      await using first = await startedS3({ endpoint: old.endpoint, listVersion: 1 })
      await expect(first.list('', { signal })).rejects.toThrow(/no list-type$/)
    })
  })
})
