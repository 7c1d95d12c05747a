/** Cases of bodies and signals: limits, disposal, aborts, and the life of the bucket itself. */
import { codeOf, ErrorCode } from '../../contracts/errors.ts'
import { assert, assertEqual, assertRejects } from '../kit.ts'
import { type BucketKit, bytesOf, LIMIT, type Subject } from './subject.ts'

/** Larger than what a runtime reads ahead of its reader. */
const LARGE = 4 * 1024 * 1024

export function bodyCases({ it }: BucketKit): void {
  it('streams the bytes of an object', async s => {
    const large = Uint8Array.from({ length: 300_000 }, (_, i) => i % 251)
    await s.put('large', large)
    await using body = await s.bucket.get('large', { signal: s.signal })
    const reader = body?.stream.getReader()
    const read: number[] = []
    for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) read.push(...next.value)
    assertEqual(Uint8Array.from(read), large, 'the same bytes')
  })
  it('reads a body of exactly the limit', async s => {
    await s.put('a', 'four')
    assertEqual(await (await s.bucket.get('a', { signal: s.signal }))?.bytes(4), bytesOf('four'), 'the bytes')
  })
  it('refuses a body larger than the limit, with body-too-large', async s => {
    await s.put('a', 'fives')
    const body = await s.bucket.get('a', { signal: s.signal })
    assert(body, 'the object to be there')
    assertEqual(codeOf(await assertRejects(body.bytes(4), 'bytes(4)')), ErrorCode.bodyTooLarge, 'its code')
  })
  it('limits the bytes of a range by the range, not by the object', async s => {
    await s.put('a', '0123456789')
    const body = await s.bucket.get('a', { range: { offset: 2, length: 2 }, signal: s.signal })
    assertEqual(await body?.bytes(2), bytesOf('23'), 'the bytes of the range')
  })
  it('survives 100 bodies that were disposed unread', async s => {
    await s.put('a', new Uint8Array(LARGE / 4))
    for (let i = 0; i < 100; i++) await (await s.bucket.get('a', { signal: s.signal }))?.[Symbol.asyncDispose]()
    assertEqual(
      (await (await s.bucket.get('a', { signal: s.signal }))?.bytes(LIMIT))?.length,
      LARGE / 4,
      'a whole read',
    )
  })
  it('survives 100 bodies that were cancelled after their first bytes', async s => {
    await s.put('a', new Uint8Array(LARGE / 4))
    for (let i = 0; i < 100; i++) {
      const reader = (await s.bucket.get('a', { signal: s.signal }))?.stream.getReader()
      await reader?.read()
      await reader?.cancel()
    }
    assertEqual(
      (await (await s.bucket.get('a', { signal: s.signal }))?.bytes(LIMIT))?.length,
      LARGE / 4,
      'a whole read',
    )
  })
  it('lets a body be disposed twice, and after it was read', async s => {
    await s.put('a', 'one')
    const unread = await s.bucket.get('a', { signal: s.signal })
    await unread?.[Symbol.asyncDispose]()
    await unread?.[Symbol.asyncDispose]()
    const read = await s.bucket.get('a', { signal: s.signal })
    await read?.bytes(3)
    await read?.[Symbol.asyncDispose]()
    await read?.[Symbol.asyncDispose]()
  })
  it('never gives a disposed body for an empty one', async s => {
    await s.put('a', 'one')
    const body = await s.bucket.get('a', { signal: s.signal })
    assert(body, 'the object to be there')
    await body[Symbol.asyncDispose]()
    await assertRejects(() => body.bytes(3), 'bytes() of a disposed body')
  })
  it('rejects every call whose signal has aborted, with its reason, and does nothing', async s => {
    await s.put('a', 'one')
    const reason = new Error('aborted by the case')
    const signal = AbortSignal.abort(reason)
    for (const call of calls(s, signal)) assert((await assertRejects(call, String(call))) === reason, 'the reason')
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

export function lifeCases({ it, itUnstarted }: BucketKit): void {
  itUnstarted('stops without start, and twice', async bucket => {
    const { signal } = new AbortController()
    await bucket.stop?.(signal)
    await bucket.stop?.(signal)
  })
  it('stops twice after start', async s => {
    await s.bucket.stop?.(s.signal)
    await s.bucket.stop?.(s.signal)
  })
  it('finds no problem with the options that the kit was given', async s => {
    assertEqual(s.bucket.check?.() ?? [], [], 'no problems')
  })
}

function calls({ bucket }: Subject, signal: AbortSignal): readonly (() => Promise<unknown>)[] {
  return [
    () => bucket.list('', { signal }),
    () => bucket.get('a', { signal }),
    () => bucket.put('a', bytesOf('two'), { signal }),
    () => bucket.put('b', bytesOf('two'), { if: 'absent', signal }),
    () => bucket.delete('a', { signal }),
  ]
}
