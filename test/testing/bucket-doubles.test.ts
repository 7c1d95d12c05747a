import { codeOf } from 'blockgate'
import { fakeHost, flaky, memoryBucket, services, settle, testBucket } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'

const { signal } = new AbortController()
const text = (s: string) => new TextEncoder().encode(s)

async function filled() {
  const bucket = memoryBucket()
  await bucket.put('a', text('0123456789'), { signal })
  return bucket
}

testBucket({ describe, it }, { name: 'flaky without a plan', factory: () => ({ bucket: flaky(memoryBucket(), []) }) })

describe('flaky()', () => {
  it('fails the nth call that fits a rule, with the very error given', async () => {
    const error = new Error('planned')
    const bucket = flaky(await filled(), [{ op: 'get', key: /^a$/, nth: [2, 3], fault: { error } }])
    await bucket.get('b', { signal })
    const outcomes = []
    for (let i = 0; i < 4; i++)
      outcomes.push(
        await bucket.get('a', { signal }).then(
          () => 'got',
          e => e === error,
        ),
      )
    expect(outcomes).toEqual(['got', true, true, 'got'])
  })

  it('fails each call that fits a rule without nth, and no other operation', async () => {
    const bucket = flaky(await filled(), [{ op: 'list', fault: { error: new Error('planned') } }])
    await expect(bucket.list('', { signal })).rejects.toThrow('planned')
    await expect(bucket.list('x', { signal })).rejects.toThrow('planned')
    expect(await bucket.get('x', { signal })).toBeUndefined()
  })

  it('does not pass on a call that it fails', async () => {
    const inner = memoryBucket()
    const bucket = flaky(inner, [{ op: 'put', fault: { error: new Error('planned') } }])
    await expect(bucket.put('a', text('x'), { signal })).rejects.toThrow('planned')
    expect(await inner.get('a', { signal })).toBeUndefined()
  })

  it('loses the answer of a call that was done', async () => {
    const inner = memoryBucket()
    const bucket = flaky(inner, [{ op: 'put', nth: 1, fault: { errorAfter: new Error('lost') } }])
    await expect(bucket.put('a', text('x'), { signal })).rejects.toThrow('lost')
    expect(await (await inner.get('a', { signal }))?.bytes(1)).toEqual(text('x'))
  })

  it('ends a body early as if that were all', async () => {
    const bucket = flaky(await filled(), [{ op: 'get', fault: { bodyAfter: 4 } }])
    expect(await (await bucket.get('a', { signal }))?.bytes(10)).toEqual(text('0123'))
  })

  it('breaks a body with an error', async () => {
    const bucket = flaky(await filled(), [{ op: 'get', fault: { bodyAfter: 4, error: new Error('reset') } }])
    const reader = (await bucket.get('a', { signal }))?.stream.getReader()
    expect((await reader?.read())?.value).toEqual(text('0123'))
    await expect(reader?.read()).rejects.toThrow('reset')
  })

  it('stalls a body until the signal aborts', async () => {
    const controller = new AbortController()
    const bucket = flaky(await filled(), [{ op: 'get', fault: { stallAfter: 4 } }])
    const body = await bucket.get('a', { signal: controller.signal })
    let ended = false
    const read = body?.bytes(10).finally(() => {
      ended = true
    })
    await settle()
    expect(ended).toBe(false)
    controller.abort(new Error('enough'))
    await expect(read).rejects.toThrow('enough')
  })

  it('tells the calls in their order', async () => {
    const bucket = flaky(memoryBucket(), [{ op: 'get', fault: { error: new Error('planned') } }])
    await bucket.list('p/', { signal })
    await bucket.get('a', { signal }).catch(() => {})
    await bucket.delete('b', { signal })
    expect(bucket.calls).toEqual(['list p/', 'get a', 'delete b'])
  })
})

describe('memoryBucket()', () => {
  it('dates objects by the clock it is given, before any start', async () => {
    const host = fakeHost({ now: 1234 })
    const bucket = memoryBucket({ host })
    await bucket.put('a', text('x'), { signal })
    await bucket.start?.(services())
    expect((await bucket.list('', { signal })).objects[0]?.modified).toBe(1234)
  })

  it('takes keys for opaque, as S3 does', async () => {
    const bucket = memoryBucket()
    for (const key of ['a/../b', '/a', 'a//b']) await bucket.put(key, text(key), { signal })
    expect((await bucket.list('', { signal })).objects.map(o => o.key)).toEqual(['/a', 'a/../b', 'a//b'])
  })

  it('refuses a key that is no well-formed Unicode', async () => {
    const thrown = await memoryBucket()
      .put('\ud800', text('x'), { signal })
      .catch((e: unknown) => e)
    expect(codeOf(thrown)).toBe('invalid-key')
  })

  it('refuses a range whose numbers are not integers >= 0', async () => {
    const bucket = await filled()
    for (const range of [{ offset: -1, length: 2 }, { offset: 0, length: 1.5 }, { suffix: -1 }]) {
      await expect(bucket.get('a', { range, signal })).rejects.toThrow('range must have integers >= 0')
    }
  })
})
