// traced() and measured() watch the same requests: the one tells a tracer, the other a meter.
import { SpanKind, trace } from '@opentelemetry/api'
import { BucketError } from 'blockgate'
import { prefixed, retried, traced } from 'blockgate/bucket'
import { type FlakyRule, fakeHost, flaky, memoryBucket, type Spans, settle, spans, testBucket } from 'blockgate/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { statusOf } from '../../../src/bucket/error.ts'
import { measured } from '../../../src/bucket/wrappers/measured.ts'

const { signal } = new AbortController()
const busy = new BucketError('busy', { status: 503 })
const forbidden = new BucketError('forbidden', { status: 403 })
const reset = new BucketError('broken', { cause: Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }) })
const enough = new Error('enough')
const SIZE = 100_000

const attributes = ['key', 'prefix', 'bytes', 'objects', 'result', 'attempts'].map(name => `bucket.${name}`)

let recorded: Spans
/** What the meter was told: `get ok 0`, with the time at the end. */
let meter: string[]
beforeEach(() => {
  recorded = spans()
  meter = []
})
afterEach(() => recorded.stop())

/** `a/b` with SIZE bytes, in a bucket that is traced and measured. */
async function world(plan: readonly FlakyRule[] = []) {
  const host = fakeHost()
  const held = flaky(memoryBucket(), plan)
  await held.put('a/b', new Uint8Array(SIZE), { signal })
  let disposed = 0
  const inner = {
    ...held,
    async get(...args: Parameters<typeof held.get>) {
      const body = await held.get(...args)
      return body && { ...body, [Symbol.asyncDispose]: async () => void disposed++ }
    },
  }
  const told = measured(inner, host, {
    request: (op, code, ms) => void meter.push(`${op} ${code} ${ms}`),
    read: bytes => void meter.push(`read ${bytes}`),
    written: bytes => void meter.push(`written ${bytes}`),
  })
  return { host, held, told, bucket: traced(told), disposed: () => disposed }
}

async function memoryBucketWith(key: string) {
  const held = memoryBucket()
  await held.put(key, new Uint8Array(SIZE), { signal })
  return held
}

/** Runs `work` inside a span, as a stage would; gives what it throws. */
async function inSpan<T>(work: () => Promise<T>): Promise<T> {
  return await trace.getTracer('test').startActiveSpan('outer', span => work().finally(() => span.end()))
}

/** The spans inside the outer one. */
const tree = () =>
  recorded
    .tree({ attributes: [...attributes, 'error.type'] })
    .split('\n  ')
    .slice(1)

testBucket({ describe, it }, { name: 'watched memory', factory: async () => ({ bucket: (await empty()).bucket }) })

async function empty() {
  const made = await world()
  await made.held.delete('a/b', { signal })
  return made
}

describe('traced() and measured()', () => {
  it('tell each request with its operation and result', async () => {
    const { bucket } = await world()
    await inSpan(async () => {
      await bucket.put('a/c', new Uint8Array(3), { if: 'absent', signal })
      await bucket.put('a/c', new Uint8Array(3), { if: 'absent', signal })
      await bucket.list('a/', { signal })
      await (await bucket.get('a/b', { signal }))?.bytes(SIZE)
      expect(await bucket.get('missing', { signal })).toBeUndefined()
      await bucket.delete('a/c', { signal })
    })
    expect(tree()).toEqual([
      'bucket.put bucket.key=a/c bucket.bytes=3 bucket.result=stored',
      'bucket.put bucket.key=a/c bucket.bytes=3 bucket.result=conflict',
      'bucket.list bucket.prefix=a/ bucket.objects=2',
      'bucket.get bucket.key=a/b bucket.bytes=100000 bucket.result=found',
      'bucket.get bucket.key=missing bucket.result=missing',
      'bucket.delete bucket.key=a/c',
    ])
    expect(meter).toEqual(
      ['written 3', 'put ok 0', 'written 3', 'put conflict 0', 'list ok 0', 'read 100000', 'get ok 0'].concat([
        'get not-found 0',
        'delete ok 0',
      ]),
    )
  })

  it('make no span where none is active', async () => {
    const { bucket } = await world()
    await bucket.list('', { signal })
    await (await bucket.get('a/b', { signal }))?.bytes(SIZE)
    expect(recorded.tree()).toBe('')
  })

  it('end a get with its body, once, with the time of the whole', async () => {
    const { bucket, host } = await world()
    const body = await inSpan(() => bucket.get('a/b', { signal }))
    await host.advance(40)
    expect([tree(), meter]).toEqual([['bucket.get bucket.key=a/b (never ended)'], []])
    await body?.bytes(SIZE)
    await body?.[Symbol.asyncDispose]()
    expect(tree()).toEqual(['bucket.get bucket.key=a/b bucket.bytes=100000 bucket.result=found'])
    expect(meter).toEqual(['read 100000', 'get ok 40'])
  })

  type Body = NonNullable<Awaited<ReturnType<ReturnType<typeof memoryBucket>['get']>>>
  const cut = { op: 'get', fault: { bodyAfter: 4, error: busy } } as const
  it.each<[string, number, string, FlakyRule[], (body: Body, abort: () => void) => Promise<unknown>]>([
    ['disposed unread', 0, '', [], async body => await body[Symbol.asyncDispose]()],
    ['cancelled unread', 0, '', [], body => body.stream.cancel()],
    ['broken', 4, 'http-503 503', [cut], body => expect(body.bytes(SIZE)).rejects.toBe(busy)],
    [
      'cancelled half read',
      65_536,
      '',
      [],
      async body => {
        const reader = body.stream.getReader()
        await reader.read()
        await reader.cancel()
      },
    ],
    [
      'aborted half read',
      4,
      'aborted aborted',
      [{ op: 'get', fault: { stallAfter: 4 } }],
      async (body, abort) => {
        const reader = body.stream.getReader()
        await reader.read()
        abort()
        await expect(reader.read()).rejects.toBe(enough)
      },
    ],
  ])('tell a body that was %s, and dispose the one inside', async (_, bytes, failure, plan, end) => {
    const { bucket, disposed } = await world(plan)
    const controller = new AbortController()
    const body = await inSpan(() => bucket.get('a/b', { signal: controller.signal }))
    await end(body ?? expect.fail('no body'), () => controller.abort(enough))
    const [code = 'ok', type] = failure === '' ? [] : failure.split(' ')
    const error = type === undefined ? '' : ` error.type=${type} !error`
    expect(tree()).toEqual([`bucket.get bucket.key=a/b bucket.bytes=${bytes} bucket.result=found${error}`])
    expect(meter).toEqual([`read ${bytes}`, `get ${code} 0`])
    await settle()
    expect(disposed()).toBe(1)
  })

  it.each([
    // The text of a foreign error may hold a signed URL.
    ['foreign', new Error('GET https://key:secret@store'), 'bucket-failed', undefined, 'bucket-failed'],
    ['with a status', forbidden, 'http-403', 'forbidden', '403'],
    ['of a connection', reset, 'bucket-failed', 'broken', 'ECONNRESET'],
    ['without one', new BucketError('no'), 'bucket-failed', 'no', 'bucket-failed'],
  ])('charge a request with an error %s, and hand on the same one', async (_, error, code, message, type) => {
    const { bucket } = await world([{ op: 'list', fault: { error } }])
    await expect(inSpan(() => bucket.list('a/', { signal }))).rejects.toBe(error)
    expect(tree()).toEqual([`bucket.list bucket.prefix=a/ error.type=${type} !error`])
    const [span] = recorded.finished()
    expect([span?.status.message, span?.attributes['http.response.status_code']]).toEqual([message, statusOf(error)])
    expect(JSON.stringify(span?.events)).not.toContain('secret')
    expect(meter).toEqual([`list ${code} 0`])
  })

  it('tell a body that had ended before they saw it', async () => {
    const { told } = await world()
    const controller = new AbortController()
    const late: typeof told = {
      ...told,
      async get(key, options) {
        const body = await memoryBucketWith(key).then(held => held.get(key, options))
        controller.abort(enough)
        return body
      },
    }
    await inSpan(() => traced(late).get('a/b', { signal: controller.signal }))
    expect(tree()).toEqual(['bucket.get bucket.key=a/b bucket.bytes=0 bucket.result=found error.type=aborted !error'])
  })

  it('tell an abort as what it is, whatever it made fail', async () => {
    const { bucket } = await world([{ op: 'list', fault: { error: busy } }])
    const aborted = AbortSignal.abort(enough)
    await expect(inSpan(() => bucket.get('a/b', { signal: aborted }))).rejects.toBe(enough)
    await expect(bucket.list('', { signal: aborted })).rejects.toBe(busy)
    expect(tree()).toEqual(['bucket.get bucket.key=a/b error.type=aborted !error'])
    expect(meter).toEqual(['get aborted 0', 'list aborted 0'])
  })

  it('tell the tries of a call: one span of all, and each to the meter', async () => {
    const { held, host, told } = await world([{ op: 'get', nth: [1, 2], fault: { error: busy } }])
    const bucket = traced(retried(prefixed(told, 'a'), host))
    const got = inSpan(async () => await (await bucket.get('b', { signal }))?.bytes(SIZE))
    await host.advance(10_000)
    expect(await got).toHaveLength(SIZE)
    expect(tree()).toEqual(['bucket.get bucket.key=b bucket.bytes=100000 bucket.result=found bucket.attempts=3'])
    expect(meter.map(line => line.replace(/ \d+$/, ''))).toEqual(['get http-503', 'get http-503', 'read', 'get ok'])
    expect(held.calls).toEqual(['put a/b', 'get a/b', 'get a/b', 'get a/b'])
    const retries = recorded.finished()[0]?.events.map(({ name, attributes }) => [name, attributes?.['error.type']])
    expect(retries).toEqual([
      ['retry', '503'],
      ['retry', '503'],
    ])
  })

  it('make each request a span of a client, with the range and what the bucket tells of it', async () => {
    const { told } = await world()
    const bucket = traced({
      ...told,
      async get(key, options) {
        options.onDetails?.({ 'server.address': 'store-1', 'server.port': 443, 'aws.request_id': undefined })
        return await told.get(key, options)
      },
    })
    await inSpan(async () => {
      await (await bucket.get('a/b', { signal, range: { offset: 10, length: 5 } }))?.bytes(SIZE)
      await (await bucket.get('a/b', { signal, range: { suffix: 7 } }))?.bytes(SIZE)
      await bucket.list('a/', { signal })
    })
    expect(recorded.tree({ attributes: ['bucket.range', 'server.address', 'server.port', 'aws.request_id'] })).toBe(
      [
        'outer',
        'bucket.get bucket.range=bytes=10-14 server.address=store-1 server.port=443',
        'bucket.get bucket.range=bytes=-7 server.address=store-1 server.port=443',
        'bucket.list',
      ].join('\n  '),
    )
    const kinds = recorded.finished().map(({ name, kind }) => `${name} ${SpanKind[kind]}`)
    expect(kinds).toEqual(['bucket.get CLIENT', 'bucket.get CLIENT', 'bucket.list CLIENT', 'outer INTERNAL'])
  })

  it('hand the details of every try through the wrappers between', async () => {
    const { told, host } = await world([{ op: 'get', nth: [1], fault: { error: busy } }])
    let tries = 0
    const inner: typeof told = {
      ...told,
      async get(key, options) {
        options.onDetails?.({ 'aws.request_id': `try-${++tries}`, 'aws.s3.key': key })
        return await told.get(key, options)
      },
    }
    const bucket = traced(
      retried(measured(prefixed(inner, 'a'), host, { request() {}, read() {}, written() {} }), host),
    )
    const got = inSpan(async () => await (await bucket.get('b', { signal }))?.bytes(SIZE))
    await host.advance(10_000)
    await got
    expect(recorded.finished()[0]?.attributes).toMatchObject({ 'aws.request_id': 'try-2', 'aws.s3.key': 'a/b' })
  })
})
