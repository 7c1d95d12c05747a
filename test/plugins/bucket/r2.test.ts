// What a local R2 never does: errors, short pages, bodies that break off. The conformance tests run in r2.workers.test.ts.
import { BucketError } from 'blockgate'
import { type R2Binding, r2 } from 'blockgate/plugins/bucket/r2'
import { describe, expect, it } from 'vitest'

const { signal } = new AbortController()
const head = { key: 'a', size: 4, etag: 'e1', uploaded: new Date(1_000) }

function binding(parts: Partial<R2Binding>): R2Binding {
  const never = () => Promise.reject(new Error('this call is not expected'))
  return { head: never, get: never, put: never, delete: never, list: never, ...parts }
}

/** An object whose body says 'four'; `cancelled` resolves when the body was let go of. */
function object(chunks: readonly string[] = ['four']) {
  const { promise: cancelled, resolve } = Promise.withResolvers<void>()
  const left = chunks.map(chunk => new TextEncoder().encode(chunk))
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const chunk = left.shift()
      if (chunk) controller.enqueue(chunk)
      else controller.close()
    },
    cancel: () => resolve(),
  })
  return { cancelled, object: { ...head, body } }
}

async function thrown(work: Promise<unknown>): Promise<BucketError> {
  const error = await work.then(
    () => expect.fail('it must reject'),
    (e: unknown) => e,
  )
  expect(error).toBeInstanceOf(BucketError)
  return error as BucketError
}

describe('r2()', () => {
  it('is named as its folder', () => {
    expect(r2({ binding: binding({}) }).name).toBe('r2')
  })

  it('reports a binding that is missing, or that is no binding of a bucket', () => {
    const must = 'be the binding of an R2 bucket: env.BLOCKS'
    expect(r2({ binding: undefined }).check?.()).toEqual([{ path: 'binding', must: 'be given', value: undefined }])
    const kv = { get: () => undefined } as unknown as R2Binding
    expect(r2({ binding: kv }).check?.()).toEqual([{ path: 'binding', must, value: kv }])
    expect(r2({ binding: binding({}) }).check?.()).toEqual([])
  })

  it.each([
    ['get: We encountered an internal error. Please try again. (10001)', 500, true],
    ['get: The service is unavailable. (10043)', 503, true],
    ['put: Reduce your request rate for the same object. (10058)', 429, true],
    ['get: The client disconnected. (10054)', 400, true],
    ['Network connection lost.', undefined, true],
    ['get: The specified bucket does not exist. (10006)', 404, false],
    ['get: Access denied. (10003)', 403, false],
    ['get: something new (19999)', undefined, false],
  ])('tells of "%s" the status %s, and whether another try may help: %s', async (message, status, retryable) => {
    const get = () => Promise.reject(new Error(message))
    const error = await thrown(r2({ binding: binding({ get }) }).get('a', { signal }))
    expect([error.status, error.retryable]).toEqual([status, retryable])
    expect(error.rawMessage).toBe(`cannot read object "a": R2 says: ${message}`)
  })

  it('never takes an error for a missing object, nor one of a range for an empty one', async () => {
    const get = () => Promise.reject(new Error('get: Unspecified error (0)'))
    const bucket = r2({ binding: binding({ get, head: async () => head }) })
    await thrown(bucket.get('a', { range: { offset: 0, length: 2 }, signal }))
    const body = await bucket.get('a', { range: { offset: 4, length: 2 }, signal })
    expect(await body?.bytes(0)).toEqual(new Uint8Array())
  })

  it('goes by truncated alone: a page may be short, or empty, and have another after it', async () => {
    const pages = [
      { objects: [], delimitedPrefixes: [], truncated: true, cursor: 'c1' },
      { objects: [head], delimitedPrefixes: ['b/'], truncated: false },
    ]
    const asked: unknown[] = []
    const list: R2Binding['list'] = async options => {
      asked.push(options)
      return pages[asked.length - 1] ?? expect.fail('no third page')
    }
    const bucket = r2({ binding: binding({ list }) })
    const first = await bucket.list('', { delimiter: '/', signal })
    expect(first).toEqual({ objects: [], prefixes: [], cursor: 'c1' })
    expect(await bucket.list('', { delimiter: '/', cursor: first.cursor, signal })).toEqual({
      objects: [{ key: 'a', size: 4, etag: 'e1', modified: 1_000 }],
      prefixes: ['b/'],
      cursor: undefined,
    })
    expect(asked).toEqual([
      { prefix: '', delimiter: '/' },
      { prefix: '', delimiter: '/', cursor: 'c1' },
    ])
  })

  it('fails on a page that is not the last and does not say how to go on', async () => {
    for (const cursor of [undefined, '', 'c1']) {
      const page = { objects: [], delimitedPrefixes: [], truncated: true, ...(cursor !== undefined && { cursor }) }
      const bucket = r2({ binding: binding({ list: async () => page }) })
      expect((await thrown(bucket.list('', { cursor: 'c1', signal }))).retryable).toBe(true)
    }
  })

  it('tells what the binding throws in one short line', async () => {
    const get = () => Promise.reject(new Error(`get: a\nb${'x'.repeat(5000)}\n (10001)`))
    const error = await thrown(r2({ binding: binding({ get }) }).get('a\nb', { signal }))
    expect(error.rawMessage).toMatch(/^[^\n]{1,300}$/)
    expect(error.status).toBe(500)
  })

  it('fails on a body with fewer or more bytes than the object', async () => {
    for (const chunks of [['fou'], ['four', 's']]) {
      const bucket = r2({ binding: binding({ get: async () => object(chunks).object }) })
      const body = await bucket.get('a', { signal })
      expect((await thrown(body?.bytes(9) ?? expect.fail('no body'))).retryable).toBe(true)
    }
  })

  it('lets go of a body that comes after the abort', async () => {
    const late = Promise.withResolvers<ReturnType<typeof object>['object']>()
    const controller = new AbortController()
    const got = r2({ binding: binding({ get: () => late.promise }) }).get('a', { signal: controller.signal })
    const reason = new Error('aborted by the test')
    controller.abort(reason)
    await expect(got).rejects.toBe(reason)
    const { object: body, cancelled } = object()
    late.resolve(body)
    await cancelled
  })

  it('says absent by a header, for R2 takes the etag * by its letters', async () => {
    const asked: unknown[] = []
    const put: R2Binding['put'] = async (_key, _value, options) => {
      asked.push(options?.onlyIf instanceof Headers ? [...options.onlyIf] : options?.onlyIf)
      return null
    }
    const bucket = r2({ binding: binding({ put }) })
    expect(await bucket.put('a', new Uint8Array(), { if: 'absent', signal })).toBe('conflict')
    expect(await bucket.put('a', new Uint8Array(), { if: { etag: 'e1' }, signal })).toBe('conflict')
    expect(asked).toEqual([[['if-none-match', '*']], { etagMatches: 'e1' }])
  })
})
