/** Cases of bodies: ranges, limits, disposal and aborts. */
import type { ObjectBody, Range } from '../../contracts/bucket.ts'
import { ErrorCode } from '../../contracts/errors.ts'
import { assert, assertEqual, assertRejects } from '../assert.ts'
import { assertFails, type BucketKit, bytesOf, LIMIT } from './subject.ts'

const DIGITS = '0123456789'

const RANGES: readonly (readonly [name: string, range: Range, text: string])[] = [
  ['reads a range inside the object', { offset: 2, length: 3 }, '234'],
  ['reads a range up to the end', { offset: 7, length: 3 }, '789'],
  ['cuts a range that goes past the end', { offset: 7, length: 100 }, '789'],
  ['has no bytes for a range that starts at the end', { offset: 10, length: 1 }, ''],
  ['has no bytes for a range that starts past the end', { offset: 1000, length: 10 }, ''],
  ['has no bytes for a range of length 0', { offset: 3, length: 0 }, ''],
  ['reads a suffix', { suffix: 4 }, '6789'],
  ['reads the whole object for a suffix larger than it', { suffix: 100 }, DIGITS],
  ['has no bytes for a suffix of 0', { suffix: 0 }, ''],
]

/** Larger than what a runtime reads ahead of its reader. */
const LARGE = 4 * 1024 * 1024

export function rangeCases({ it }: BucketKit): void {
  for (const [name, range, text] of RANGES) {
    it(`${name}, and tells of the whole object`, async s => {
      await s.put('a/digits', DIGITS)
      const etag = await s.etag('a/digits')
      const body = await s.get('a/digits', range)
      assertEqual([body.info.size, body.info.etag], [10, etag], 'size and etag of the whole')
      // The limit is one of the range, not of the object.
      assertEqual(await body.bytes(text.length), bytesOf(text), `the bytes of ${JSON.stringify(range)}`)
    })
  }
  it('reads a range out of the middle of a large object', async s => {
    const large = Uint8Array.from({ length: 300_000 }, (_, i) => i % 251)
    await s.put('large', large)
    const body = await s.get('large', { offset: 100_000, length: 150_000 })
    assertEqual(await body.bytes(150_000), large.slice(100_000, 250_000), 'those bytes')
  })
}

export function bodyCases({ it }: BucketKit): void {
  it('streams the bytes of an object', async s => {
    const large = Uint8Array.from({ length: 300_000 }, (_, i) => i % 251)
    await s.put('large', large)
    const read: number[] = []
    for await (const chunk of (await s.get('large')).stream) read.push(...chunk)
    assertEqual(Uint8Array.from(read), large, 'the same bytes')
  })
  it('reads a body of exactly the limit, and refuses a larger one with body-too-large', async s => {
    await s.put('a', 'four')
    assertEqual(await (await s.get('a')).bytes(4), bytesOf('four'), 'the bytes')
    const body = await s.get('a')
    await assertFails(() => body.bytes(3), ErrorCode.bodyTooLarge, 'bytes(3)')
  })
  const letGo: Readonly<Record<string, (body: ObjectBody) => Promise<unknown>>> = {
    'disposed unread': async body => await body[Symbol.asyncDispose](),
    'cancelled after their first bytes': async body => {
      const reader = body.stream.getReader()
      await reader.read()
      await reader.cancel()
    },
  }
  for (const [how, end] of Object.entries(letGo)) {
    it(`survives 100 bodies that were ${how}`, async s => {
      await s.put('a', new Uint8Array(LARGE / 4))
      for (let i = 0; i < 100; i++) await end(await s.get('a'))
      assertEqual((await (await s.get('a')).bytes(LIMIT)).length, LARGE / 4, 'a whole read')
    })
  }
  it('lets a body be disposed twice, and after it was read', async s => {
    await s.put('a', 'one')
    const unread = await s.get('a')
    const read = await s.get('a')
    await read.bytes(3)
    for (const body of [unread, unread, read, read]) await body[Symbol.asyncDispose]()
  })
  it('never gives a disposed body for an empty one', async s => {
    await s.put('a', 'one')
    const body = await s.get('a')
    await body[Symbol.asyncDispose]()
    await assertRejects(() => body.bytes(3), 'bytes() of a disposed body')
  })
  it('rejects every call whose signal has aborted, with its reason, and does nothing', async s => {
    await s.put('a', 'one')
    const reason = new Error('aborted by the case')
    const signal = AbortSignal.abort(reason)
    const calls = ['a', 'b'].flatMap(key => s.calls(key, signal))
    for (const call of [...calls, () => s.bucket.list('', { signal })]) {
      assert((await assertRejects(call, String(call))) === reason, 'the reason')
    }
    assertEqual([await s.text('a'), await s.keys('')], ['one', ['a']], 'the bucket of before')
  })
  it('rejects a body whose signal aborts while it is read, with its reason', async s => {
    await s.put('a', new Uint8Array(LARGE))
    const controller = new AbortController()
    const reason = new Error('aborted by the case')
    await using body = await s.bucket.get('a', { signal: controller.signal })
    const reader = body?.stream.getReader()
    assertEqual((await reader?.read())?.done, false, 'first bytes')
    controller.abort(reason)
    const thrown = await assertRejects(async () => {
      for (let next = await reader?.read(); next && !next.done; next = await reader?.read());
    }, 'the rest of the body')
    assert(thrown === reason, 'the reason of the signal')
  })
}
