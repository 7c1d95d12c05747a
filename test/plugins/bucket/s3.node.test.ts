import type { Bucket, ObjectBody, Range } from 'blockgate'
import { type S3Options, s3 } from 'blockgate/plugins/bucket/s3'
import { services } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { asked, onBothPaths, startedS3 } from '../../support/started-s3.ts'
import { type Answer, s3Object, stubStore } from '../../support/stub-store.ts'

const { signal } = new AbortController()

const list = (bucket: Bucket) => bucket.list('a', { signal })

describe('options of s3()', () => {
  const problems = (options: Partial<S3Options>) =>
    s3({ bucket: 'metrics', ...options })
      .check?.()
      .map(problem => `${problem.path}: must ${problem.must}`)

  const NAME = "bucket: must be a bucket's name: 3 to 255 of A-Z a-z 0-9 . _ -"
  const URL = 'endpoint: must be an http or https URL without user, query and fragment'
  it.each<[Partial<S3Options>, string]>([
    [{ bucket: undefined }, 'bucket: must be given'],
    [{ bucket: 'a/b' }, NAME],
    [{ bucket: '..' }, NAME],
    [{ endpoint: '127.0.0.1:9000' }, URL],
    [{ endpoint: 'ftp://a' }, URL],
    [{ endpoint: 'http://me:pw@a' }, URL],
    [{ endpoint: 'http://a?b' }, URL],
    [{ region: '' }, 'region: must not be empty'],
    [{ credentials: { accessKeyId: 'a', secretAccessKey: undefined } }, 'credentials.secretAccessKey: must be given'],
    [{ credentials: { accessKeyId: '', secretAccessKey: 'b' } }, 'credentials.accessKeyId: must not be empty'],
    [{ ca: '/etc/ca.pem' }, 'ca: must be certificates in PEM'],
    [{ requestTimeout: 0 }, 'requestTimeout: must be >= 1 ms'],
    [{ concurrency: 0 }, 'concurrency: must be >= 1'],
    [{ concurrency: 1.5 }, 'concurrency: must be a whole number'],
    [{ client: {} as never }, 'client.send: must be given'],
    [{ client: { send: async () => ({}) }, region: 'eu' }, 'region: must be left out: the client has its own'],
  ])('%o are refused: %s', (options, problem) => {
    expect(problems(options)).toEqual([problem])
  })

  it('are fine with nothing but a bucket, and undefined for the rest', () => {
    expect(problems({})).toEqual([])
    expect(problems({ endpoint: undefined, region: undefined, credentials: undefined, ca: undefined })).toEqual([])
  })
})

onBothPaths(() => {
  describe('life of s3()', () => {
    it('refuses calls before its start and after its stop', async () => {
      const bucket = s3({ bucket: 'metrics', endpoint: 'http://127.0.0.1:1' })
      await expect(list(bucket)).rejects.toThrow('s3() must be started before it is used')
      await bucket.start?.(services({ bucket }))
      await bucket.stop?.(signal)
      await expect(list(bucket)).rejects.toThrow('s3() must be started before it is used')
    })

    it('sends nothing for a key that leads elsewhere, nor for a range that is no number', async () => {
      const { requests } = await asked(s3Object('hello'), async bucket => {
        for (const key of ['', '../other/a', 'a//b', 'a\0']) {
          await expect(bucket.get(key, { signal })).rejects.toThrow('invalid-key')
          await expect(bucket.put(key, new Uint8Array(), { signal })).rejects.toThrow('invalid-key')
          await expect(bucket.delete(key, { signal })).rejects.toThrow('invalid-key')
        }
        for (const range of [{ offset: -1, length: 2 }, { suffix: 1.5 }]) {
          await expect(bucket.get('a', { range, signal })).rejects.toThrow('integers >= 0')
        }
      })
      expect(requests).toEqual([])
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
      const page = await bucket.list('a', { delimiter: '/', cursor: 'next', signal })
      expect(page).toEqual({ objects: [], prefixes: [], cursor: undefined })
      expect(sent).toEqual([
        { Bucket: 'metrics', Prefix: 'a', EncodingType: 'url', Delimiter: '/', ContinuationToken: 'next' },
      ])
    })

    it('has the bucket in the path where an endpoint is given', async () => {
      expect((await asked(s3Object(''), list)).requests).toEqual([
        'GET /metrics/?encoding-type=url&list-type=2&prefix=a',
      ])
    })
  })

  it.each<[boolean, 'absent' | { etag: string } | undefined, string | undefined, string | undefined]>([
    [false, { etag: 'e1' }, '"e1"', undefined],
    [true, { etag: 'e1' }, 'e1', undefined],
    [true, 'absent', undefined, '*'],
    [false, undefined, undefined, undefined],
  ])(
    'a put with unquotedIfMatch %s if %o has the headers %s and %s',
    async (unquotedIfMatch, condition, match, none) => {
      let headers: unknown
      const answer: Answer = (request, response) => {
        headers = [request.headers['if-match'], request.headers['if-none-match']]
        s3Object('')(request, response)
      }
      const options = { ...(condition && { if: condition }), signal }
      await asked(answer, bucket => bucket.put('a', new Uint8Array(1), options), { unquotedIfMatch })
      expect(headers).toEqual([match, none])
    },
  )

  describe('a body', () => {
    const read = (range?: Range) => async (bucket: Bucket) =>
      await (await bucket.get('a', range ? { range, signal } : { signal }))?.bytes(100)
    /** The head of an object of `size` bytes, and the first of them. */
    const begun =
      (size: number, bytes: string, then: (request: Parameters<Answer>[0]) => void = () => {}): Answer =>
      (request, response) => {
        response.writeHead(200, { 'content-length': String(size), 'last-modified': new Date(0).toUTCString() })
        response.write(bytes, () => then(request))
      }

    it('that has not all of its bytes is an error that may be tried again', async () => {
      const cut = begun(10, 'hello', request => request.socket.destroy())
      expect((await asked(cut, read())).result).toMatchObject({ code: 'bucket-failed', retryable: true })
    })

    it.each([
      ['345', 'bytes 3-5/10', 'cannot read object "a": asked for bytes 2 to 5, got 3 to 6'],
      ['345', 'bytes 3-4/10', 'asked for bytes 2 to 5, got 3 to 5'],
      ['0123456789', '', 'asked for bytes 2 to 5, got 0 to 10'],
      ['23456', 'bytes 2-4/10', 'more than 3 bytes came'],
    ])('of a range is never given for another: %s as "%s"', async (body, range, message) => {
      const other = s3Object(body, range === '' ? {} : { 'content-range': range }, range === '' ? 200 : 206)
      expect(String((await asked(other, read({ offset: 2, length: 3 }))).result)).toContain(message)
    })

    it('of a range that is the whole object may come without saying so, and without an etag', async () => {
      expect((await asked(s3Object('0123', { etag: '' }), read({ suffix: 100 }))).result).toHaveLength(4)
    })

    it('frees its connection when it is disposed, cancelled or aborted half read, and when it is refused', async () => {
      await using store = await stubStore(begun(1_000_000_000, 'x'.repeat(100_000)))
      await using bucket = await startedS3({ endpoint: store.endpoint, concurrency: 1 })
      const controller = new AbortController()
      const firstRead = async (body: ObjectBody) => {
        const reader = body.stream.getReader()
        expect((await reader.read()).done).toBe(false)
        return reader
      }
      const ends: readonly ((body: ObjectBody) => PromiseLike<unknown>)[] = [
        body => body[Symbol.asyncDispose](),
        async body => await (await firstRead(body)).cancel(),
        body => body.bytes(10).catch(() => {}),
        async body => {
          const reader = await firstRead(body)
          controller.abort(new Error('enough'))
          await expect(reader.read()).rejects.toThrow('enough')
        },
      ]
      for (const end of ends) {
        const body = await bucket.get('a', { signal: controller.signal })
        await end(body ?? expect.fail('there must be a body'))
        await store.idle()
      }
      await expect(bucket.get('a', { range: { offset: 1, length: 1 }, signal })).rejects.toThrow(
        'asked for bytes 1 to 2',
      )
      await store.idle()
      await (await bucket.get('a', { signal }))?.[Symbol.asyncDispose]()
      expect(store.requests).toHaveLength(6)
    })
  })
})
