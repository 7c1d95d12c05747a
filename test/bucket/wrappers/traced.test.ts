import { trace } from '@opentelemetry/api'
import { BucketError } from 'blockgate'
import { prefixed, retried, traced } from 'blockgate/bucket'
import { type FlakyRule, fakeHost, flaky, memoryBucket, type Spans, spans, testBucket } from 'blockgate/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const { signal } = new AbortController()
const text = (s: string) => new TextEncoder().encode(s)
const KEYS = [
  'bucket.key',
  'bucket.prefix',
  'bucket.bytes',
  'bucket.objects',
  'bucket.result',
  'error.type',
  'bucket.attempts',
]

testBucket({ describe, it }, { name: 'traced memory', factory: () => ({ bucket: traced(memoryBucket()) }) })

describe('traced()', () => {
  let recorded: Spans
  beforeEach(() => {
    recorded = spans()
  })
  afterEach(() => recorded.stop())
  const tree = () => recorded.tree({ attributes: KEYS })

  async function make(plan: readonly FlakyRule[] = []) {
    const inner = flaky(memoryBucket(), plan)
    await inner.put('a/b', text('0123456789'), { signal })
    return { inner, bucket: traced(inner) }
  }

  /** Runs `work` inside a span, as a stage would. */
  async function inSpan<T>(work: () => Promise<T>): Promise<T> {
    return await trace.getTracer('test').startActiveSpan('outer', async span => {
      try {
        return await work()
      } finally {
        span.end()
      }
    })
  }

  it('makes no span where none is active', async () => {
    const { bucket } = await make()
    await bucket.list('', { signal })
    await (await bucket.get('a/b', { signal }))?.bytes(10)
    await bucket.put('c', text('x'), { signal })
    await bucket.delete('c', { signal })
    expect(tree()).toBe('')
  })

  it('makes one span a call inside the active one', async () => {
    const { bucket } = await make()
    await inSpan(async () => {
      await bucket.put('a/c', text('xyz'), { if: 'absent', signal })
      await bucket.put('a/c', text('xyz'), { if: 'absent', signal })
      await bucket.list('a/', { signal })
      await (await bucket.get('a/b', { signal }))?.bytes(10)
      await bucket.get('missing', { signal })
      await bucket.delete('a/c', { signal })
    })
    expect(tree()).toBe(
      [
        'outer',
        '  bucket.put bucket.key=a/c bucket.bytes=3 bucket.result=stored',
        '  bucket.put bucket.key=a/c bucket.bytes=3 bucket.result=conflict',
        '  bucket.list bucket.prefix=a/ bucket.objects=2',
        '  bucket.get bucket.key=a/b bucket.bytes=10 bucket.result=found',
        '  bucket.get bucket.key=missing bucket.result=missing',
        '  bucket.delete bucket.key=a/c',
      ].join('\n'),
    )
  })

  it('ends the span of a get only when its body was read to the end', async () => {
    const { bucket } = await make()
    const body = await inSpan(() => bucket.get('a/b', { signal }))
    expect(tree()).toBe('outer\n  bucket.get bucket.key=a/b (never ended)')
    await body?.bytes(10)
    expect(tree()).toBe('outer\n  bucket.get bucket.key=a/b bucket.bytes=10 bucket.result=found')
  })

  it('ends the span when the body is disposed unread, with no bytes and no error', async () => {
    const { bucket } = await make()
    const body = await inSpan(() => bucket.get('a/b', { signal }))
    await body?.[Symbol.asyncDispose]()
    expect(tree()).toBe('outer\n  bucket.get bucket.key=a/b bucket.bytes=0 bucket.result=found')
  })

  it('ends the span when the stream is cancelled, with the bytes until then', async () => {
    const bucket = traced(memoryBucket())
    await bucket.put('large', new Uint8Array(200_000), { signal })
    const reader = (await inSpan(() => bucket.get('large', { signal })))?.stream.getReader()
    await reader?.read()
    await reader?.cancel()
    expect(tree()).toBe('outer\n  bucket.get bucket.key=large bucket.bytes=65536 bucket.result=found')
  })

  it('disposes the body inside, however its own ends', async () => {
    const { inner } = await make()
    let disposed = 0
    const bucket = traced({
      ...inner,
      async get(key, options) {
        const body = await inner.get(key, options)
        return body && { ...body, [Symbol.asyncDispose]: async () => void disposed++ }
      },
    })
    await inSpan(async () => {
      await (await bucket.get('a/b', { signal }))?.bytes(10)
      expect(disposed).toBe(1)
      await (await bucket.get('a/b', { signal }))?.stream.cancel()
      expect(disposed).toBe(2)
      await (await bucket.get('a/b', { signal }))?.[Symbol.asyncDispose]()
      expect(disposed).toBe(3)
    })
  })

  it('charges the span with the error of a body that breaks, and the bytes until then', async () => {
    const error = new BucketError('the connection broke', { retryable: true })
    const { bucket } = await make([{ op: 'get', fault: { bodyAfter: 4, error } }])
    const body = await inSpan(() => bucket.get('a/b', { signal }))
    await expect(body?.bytes(10)).rejects.toBe(error)
    expect(tree()).toBe(
      'outer\n  bucket.get bucket.key=a/b bucket.bytes=4 bucket.result=found error.type=bucket-failed !error',
    )
  })

  it('charges the span with an abort in the middle of the body', async () => {
    const controller = new AbortController()
    const { bucket } = await make([{ op: 'get', fault: { stallAfter: 4 } }])
    const body = await inSpan(() => bucket.get('a/b', { signal: controller.signal }))
    const read = expect(body?.bytes(10)).rejects.toThrow('enough')
    controller.abort(new Error('enough'))
    await read
    expect(tree()).toContain('bucket.result=found error.type=aborted !error')
  })

  it('charges the span with the error of a call, and hands the same error on', async () => {
    const error = new BucketError('forbidden', { status: 403 })
    const { bucket } = await make([{ op: 'list', fault: { error } }])
    await expect(inSpan(() => bucket.list('a/', { signal }))).rejects.toBe(error)
    expect(tree()).toBe('outer\n  bucket.list bucket.prefix=a/ error.type=bucket-failed !error')
    expect(recorded.finished()[0]?.status.message).toBe('forbidden')
  })

  it('keeps the text of a foreign error off the span: it may hold a signed URL', async () => {
    const { bucket } = await make([{ op: 'get', fault: { error: new Error('GET https://key:secret@store') } }])
    await expect(inSpan(() => bucket.get('a/b', { signal }))).rejects.toThrow('secret')
    expect(recorded.finished()[0]?.status.message).toBeUndefined()
  })

  it('tells how many tries a call took, in the order traced(retried(prefixed(bucket)))', async () => {
    const host = fakeHost()
    const inner = flaky(memoryBucket(), [
      { op: 'get', nth: [1, 2], fault: { error: new BucketError('busy', { status: 503 }) } },
    ])
    const bucket = traced(retried(prefixed(inner, 'team-a'), host))
    await bucket.put('a', text('x'), { signal })
    const got = inSpan(async () => await (await bucket.get('a', { signal }))?.bytes(1))
    await host.advance(10_000)
    expect(await got).toEqual(text('x'))
    expect(tree()).toBe('outer\n  bucket.get bucket.key=a bucket.bytes=1 bucket.result=found bucket.attempts=3')
    expect(inner.calls).toEqual(['put team-a/a', 'get team-a/a', 'get team-a/a', 'get team-a/a'])
  })
})
