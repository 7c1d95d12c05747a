import type { ServerResponse } from 'node:http'
import { type Bucket, codeOf, type Range } from 'blockgate'
import { type S3Options, s3 } from 'blockgate/plugins/bucket/s3'
import { services } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { startedS3 } from '../../support/started-s3.ts'
import { type Answer, s3Object, stubStore } from '../../support/stub-store.ts'

const { signal } = new AbortController()

/** What `call` gives, or throws, where the store answers so. */
async function asked<T>(answer: Answer, call: (bucket: Bucket) => Promise<T>): Promise<T> {
  await using store = await stubStore(answer)
  await using bucket = await startedS3({ endpoint: store.endpoint })
  return await call(bucket)
}

const xml =
  (inner: string): Answer =>
  (_, response) =>
    void response.end(`<?xml version="1.0"?><ListBucketResult>${inner}</ListBucketResult>`)

const object = (key: string) =>
  `<Contents><Key>${key}</Key><LastModified>2026-11-22T21:10:52.763Z</LastModified><ETag>&quot;e1&quot;</ETag><Size>3</Size></Contents>`

const list = (bucket: Bucket) => bucket.list('a', { signal })

describe('options of s3()', () => {
  const problems = (options: Partial<S3Options>) =>
    s3({ bucket: 'metrics', ...options })
      .check?.()
      .map(problem => `${problem.path}: must ${problem.must}`)

  it.each<[Partial<S3Options>, string]>([
    [{ bucket: undefined }, 'bucket: must be given'],
    [{ bucket: 'a/b' }, "bucket: must be a bucket's name: 3 to 255 of A-Z a-z 0-9 . _ -"],
    [{ bucket: '..' }, "bucket: must be a bucket's name: 3 to 255 of A-Z a-z 0-9 . _ -"],
    [{ endpoint: '127.0.0.1:9000' }, 'endpoint: must be an http or https URL without user, query and fragment'],
    [{ endpoint: 'ftp://a' }, 'endpoint: must be an http or https URL without user, query and fragment'],
    [{ endpoint: 'http://me:pw@a' }, 'endpoint: must be an http or https URL without user, query and fragment'],
    [{ endpoint: 'http://a?b' }, 'endpoint: must be an http or https URL without user, query and fragment'],
    [{ region: '' }, 'region: must not be empty'],
    [{ credentials: { accessKeyId: 'a', secretAccessKey: undefined } }, 'credentials.secretAccessKey: must be given'],
    [{ credentials: { accessKeyId: '', secretAccessKey: 'b' } }, 'credentials.accessKeyId: must not be empty'],
    [{ ca: '/etc/ca.pem' }, 'ca: must be certificates in PEM'],
    [{ requestTimeout: 0 }, 'requestTimeout: must be >= 1 ms'],
    [{ concurrency: 0 }, 'concurrency: must be >= 1'],
    [{ concurrency: 1.5 }, 'concurrency: must be a whole number'],
    [{ client: {} as never }, 'client.send: must be given'],
    [{ client: { send: async () => ({}) }, region: 'eu' }, 'region: must be left out: the client has its own'],
    [
      { bukcet: 'x' } as never,
      'bukcet: must be one of the known options: bucket, prefix, endpoint, region, pathStyle, credentials, ca, requestTimeout, concurrency, listVersion, unquotedIfMatch, racedPutCode, identity, client',
    ],
  ])('%o are refused: %s', (options, problem) => {
    expect(problems(options)).toEqual([problem])
  })

  it('are fine with nothing but a bucket, and undefined for the rest', () => {
    expect(problems({})).toEqual([])
    expect(problems({ endpoint: undefined, region: undefined, credentials: undefined, ca: undefined })).toEqual([])
  })
})

describe('life of s3()', () => {
  it('refuses calls before its start and after its stop', async () => {
    const bucket = s3({ bucket: 'metrics', endpoint: 'http://127.0.0.1:1' })
    await expect(list(bucket)).rejects.toThrow('s3() must be started before it is used')
    await bucket.start?.(services({ bucket }))
    await bucket.stop?.(signal)
    await expect(list(bucket)).rejects.toThrow('s3() must be started before it is used')
  })

  it('sends nothing for a key that leads elsewhere', async () => {
    await using store = await stubStore(s3Object('hello'))
    await using bucket = await startedS3({ endpoint: store.endpoint })
    for (const key of ['', '../other/a', 'a//b', 'a\0']) {
      await expect(bucket.get(key, { signal })).rejects.toMatchObject({ code: 'invalid-key' })
      await expect(bucket.put(key, new Uint8Array(), { signal })).rejects.toMatchObject({ code: 'invalid-key' })
      await expect(bucket.delete(key, { signal })).rejects.toMatchObject({ code: 'invalid-key' })
    }
    expect(store.requests).toEqual([])
  })

  it('closes its connections at stop', async () => {
    await using store = await stubStore(s3Object('hello'))
    const bucket = await startedS3({ endpoint: store.endpoint })
    await (await bucket.get('a', { signal }))?.bytes(5)
    expect(store.open).toBe(1)
    await bucket.stop?.(signal)
    await store.idle()
  })

  it('sends to the client that it was given', async () => {
    const sent: unknown[] = []
    const send = async (command: unknown) => {
      sent.push((command as { input: unknown }).input)
      return { IsTruncated: false, Contents: [] }
    }
    const bucket = s3({ bucket: 'metrics', client: { send } })
    await bucket.start?.(services({ bucket }))
    expect(await bucket.list('a', { delimiter: '/', cursor: 'next', signal })).toEqual({
      objects: [],
      prefixes: [],
      cursor: undefined,
    })
    expect(sent).toEqual([
      { Bucket: 'metrics', Prefix: 'a', EncodingType: 'url', Delimiter: '/', ContinuationToken: 'next' },
    ])
  })

  it('has the bucket in the path where an endpoint is given', async () => {
    await using store = await stubStore(xml('<IsTruncated>false</IsTruncated>'))
    await using path = await startedS3({ endpoint: store.endpoint })
    await list(path)
    expect(store.requests).toEqual(['GET /metrics/?encoding-type=url&list-type=2&prefix=a'])
  })
})

describe('a conditional put', () => {
  it('has its etag in quotes or, on demand, without', async () => {
    const headers: unknown[] = []
    const answer: Answer = (request, response) => {
      headers.push([request.headers['if-match'], request.headers['if-none-match']])
      s3Object('')(request, response)
    }
    await using store = await stubStore(answer)
    await using quoted = await startedS3({ endpoint: store.endpoint })
    await using unquoted = await startedS3({ endpoint: store.endpoint, unquotedIfMatch: true })
    const put = (bucket: Bucket, condition: 'absent' | { etag: string }) =>
      bucket.put('a', new Uint8Array(1), { if: condition, signal })
    await put(quoted, { etag: 'e1' })
    await put(unquoted, { etag: 'e1' })
    await put(unquoted, 'absent')
    await quoted.put('a', new Uint8Array(1), { signal })
    expect(headers).toEqual([
      ['"e1"', undefined],
      ['e1', undefined],
      [undefined, '*'],
      [undefined, undefined],
    ])
  })
})

describe('a page of a listing', () => {
  const whole = '<IsTruncated>false</IsTruncated><KeyCount>1</KeyCount>'

  it('has keys as they are, encoded or not', async () => {
    const keys = async (inner: string) =>
      (await asked(xml(whole + inner), list)).objects.map(({ key, size, etag }) => ({ key, size, etag }))
    const encoded = `<EncodingType>url</EncodingType>${object('a%2Bb+c%20d/%E2%82%AC%01')}`
    expect(await keys(encoded)).toEqual([{ key: 'a+b c d/€\u0001', size: 3, etag: 'e1' }])
    expect(await keys(object('a+b%20c'))).toEqual([{ key: 'a+b%20c', size: 3, etag: 'e1' }])
  })

  it.each([
    ['a page that was cut short', '<Contents><Key>a/1</Key></Cont'],
    ['no listing at all', '<html>hello</html>'],
    ['fewer keys than it says', `<IsTruncated>false</IsTruncated><KeyCount>2</KeyCount>${object('a/1')}`],
    ['no word of whether it is the last', object('a/1')],
    ['another page, but no way to it', `<IsTruncated>true</IsTruncated><KeyCount>1</KeyCount>${object('a/1')}`],
    ['a key that is not below the prefix', `${whole}${object('b/1')}`],
    ['a key that is near no key below the prefix', `${whole}<EncodingType>url</EncodingType>${object('%E2%82b')}`],
  ])('that has %s is an error, not the end of the listing', async (_, inner) => {
    await expect(asked(xml(inner), list)).rejects.toMatchObject({ code: 'bucket-failed', retryable: true })
  })

  const url = '<IsTruncated>false</IsTruncated><EncodingType>url</EncodingType>'
  const entry = (inner: string) => `<Contents><Key>a/2</Key>${inner}</Contents>`
  const etag = '<ETag>"e"</ETag>'
  const time = '<LastModified>2026-11-22T21:10:52.763Z</LastModified>'

  it.each([
    ['an escape that is cut off', object('a/2%E2%82'), 'a/2\ufffd'],
    ['an escape of no hex', object('a/%C3%BC/2%ZZ'), 'a/ü/2%ZZ'],
    ['a bare percent sign', object('a/2%'), 'a/2%'],
    ['bytes of no UTF-8', object('a%2F2%FF'), 'a/2\ufffd'],
    ['no size', entry(`${etag}${time}`), 'a/2'],
    ['a size that is none', entry(`<Size>-1</Size>${etag}${time}`), 'a/2'],
    ['no time', entry(`<Size>1</Size>${etag}`), 'a/2'],
  ])('that has one object with %s names that one, and has the others', async (_, inner, key) => {
    const page = await asked(xml(url + object('a/1') + inner + object('a/3')), list)
    expect(page.objects.map(info => info.key)).toEqual(['a/1', 'a/3'])
    expect(page.unreadable?.map(at => [at.key, codeOf(at.error)])).toEqual([[key, 'bucket-failed']])
  })

  it('that has one common prefix which is encoded wrongly names that one', async () => {
    const common = ['a/1/', 'a/2%ZZ/', 'a/3/'].map(
      prefix => `<CommonPrefixes><Prefix>${prefix}</Prefix></CommonPrefixes>`,
    )
    const page = await asked(xml(url + common.join('')), bucket => bucket.list('a/', { delimiter: '/', signal }))
    expect([page.prefixes, page.unreadable?.map(at => at.key)]).toEqual([['a/1/', 'a/3/'], ['a/2%ZZ/']])
  })

  it('counts what it cannot read among the keys that the store says it gives', async () => {
    const page = await asked(xml(`${url}<KeyCount>2</KeyCount>${object('a/1')}${object('a/2%')}`), list)
    expect([page.objects.length, page.unreadable?.length]).toEqual([1, 1])
  })

  it('that leads to itself, or from one page to nowhere, is an error', async () => {
    const page = `<IsTruncated>true</IsTruncated><NextContinuationToken>t1</NextContinuationToken>${object('a/1')}`
    expect((await asked(xml(page), list)).cursor).toBe('t1')
    const again = asked(xml(page), bucket => bucket.list('a', { cursor: 't1', signal }))
    await expect(again).rejects.toThrow('it does not say how to go on')
    const nowhere = xml(`<IsTruncated>true</IsTruncated><KeyCount>1</KeyCount>${object('a/1')}`)
    const lost = asked(nowhere, bucket => bucket.list('a', { cursor: 't1', signal }))
    await expect(lost).rejects.toThrow('it does not say how to go on')
  })

  it('that breaks off in the middle of the answer is an error that may be tried again', async () => {
    const half: Answer = (_, response) => {
      response.writeHead(200, { 'content-length': '5000' })
      response.write('<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated>', () =>
        response.socket?.destroy(),
      )
    }
    await expect(asked(half, list)).rejects.toMatchObject({ code: 'bucket-failed', retryable: true })
  })
})

describe('a body', () => {
  const read = (range?: Range) => async (bucket: Bucket) =>
    await (await bucket.get('a', range ? { range, signal } : { signal }))?.bytes(100)

  it('that has not all of its bytes is an error that may be tried again', async () => {
    const cut: Answer = (_, response) => {
      s3Object('', { 'content-length': '10', connection: 'close' })(_, {
        writeHead: (...head: Parameters<ServerResponse['writeHead']>) => response.writeHead(...head),
        end: () => response.write('hello', () => response.socket?.destroy()),
      } as unknown as ServerResponse)
    }
    await expect(asked(cut, read())).rejects.toMatchObject({ code: 'bucket-failed', retryable: true })
  })

  it('of a range is never given for another', async () => {
    const range = { offset: 2, length: 3 }
    const other = s3Object('345', { 'content-range': 'bytes 3-5/10' }, 206)
    await expect(asked(other, read(range))).rejects.toThrow(
      'store must send bytes 2 to 5 of object "a": it sends 3 to 6',
    )
    await expect(asked(s3Object('0123456789'), read(range))).rejects.toThrow('it sends 0 to 10')
    const longer = s3Object('23456', { 'content-range': 'bytes 2-4/10' }, 206)
    await expect(asked(longer, read(range))).rejects.toThrow('its body must have 3 bytes: more came')
  })

  it('of a range that is the whole object may come without saying so', async () => {
    expect(await asked(s3Object('0123'), read({ suffix: 100 }))).toHaveLength(4)
  })

  it('of a range that is no number is never asked for', async () => {
    await using store = await stubStore(s3Object(''))
    await using bucket = await startedS3({ endpoint: store.endpoint })
    await expect(bucket.get('a', { range: { offset: -1, length: 2 }, signal })).rejects.toThrow('integers >= 0')
    await expect(bucket.get('a', { range: { suffix: 1.5 }, signal })).rejects.toThrow('integers >= 0')
    expect(store.requests).toEqual([])
  })

  it('without an etag is read: there are proxies that drop it', async () => {
    expect(await asked(s3Object('hello', { etag: '' }), read())).toHaveLength(5)
  })

  it('frees its connection when it is disposed, cancelled or aborted half read, and when it is refused', async () => {
    const endless: Answer = (_, response) => {
      s3Object('', { 'content-length': '1000000000' })(_, {
        writeHead: (...head: Parameters<ServerResponse['writeHead']>) => response.writeHead(...head),
        end: () => response.write('x'.repeat(100_000)),
      } as unknown as ServerResponse)
    }
    await using store = await stubStore(endless)
    await using bucket = await startedS3({ endpoint: store.endpoint, concurrency: 1 })
    const halfRead = async (end: (body: NonNullable<Awaited<ReturnType<Bucket['get']>>>) => PromiseLike<unknown>) => {
      const body = await bucket.get('a', { signal: controller.signal })
      if (!body) throw new Error('there must be a body')
      await end(body)
      await store.idle()
    }
    let controller = new AbortController()
    await halfRead(body => body[Symbol.asyncDispose]())
    await halfRead(async body => {
      const reader = body.stream.getReader()
      expect((await reader.read()).done).toBe(false)
      await reader.cancel()
    })
    await halfRead(body => body.bytes(10).catch(() => {}))
    await halfRead(async body => {
      const reader = body.stream.getReader()
      await reader.read()
      controller.abort(new Error('enough'))
      await expect(reader.read()).rejects.toThrow('enough')
    })
    controller = new AbortController()
    await expect(bucket.get('a', { range: { offset: 1, length: 1 }, signal })).rejects.toThrow('must send bytes 1 to 2')
    await store.idle()
    await halfRead(body => body[Symbol.asyncDispose]())
    expect(store.requests).toHaveLength(6)
  })
})
