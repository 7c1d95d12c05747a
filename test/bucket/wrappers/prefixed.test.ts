import { codeOf } from 'blockgate'
import { prefixed } from 'blockgate/bucket'
import { flaky, memoryBucket } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'

const { signal } = new AbortController()

async function filled(...keys: readonly string[]) {
  const bucket = memoryBucket({ pageSize: 2 })
  for (const key of keys) await bucket.put(key, new Uint8Array(1), { signal })
  return bucket
}

describe('prefixed()', () => {
  it('is the bucket itself for an empty prefix', () => {
    const bucket = memoryBucket()
    expect(prefixed(bucket, '')).toBe(bucket)
  })

  it('tells how many requests at once the bucket is given, where that does', () => {
    expect(prefixed({ ...memoryBucket(), limit: () => 7 }, 'p').limit?.()).toBe(7)
    expect('limit' in prefixed(memoryBucket(), 'p')).toBe(false)
  })

  it.each(['team/a', 'team/a/'])('puts keys below "%s" and gives them back without it', async prefix => {
    const inner = await filled()
    const bucket = prefixed(inner, prefix)
    await bucket.put('x/y', new Uint8Array(1), { signal })
    expect((await inner.list('', { signal })).objects.map(o => o.key)).toEqual(['team/a/x/y'])
    expect((await bucket.list('', { signal })).objects.map(o => o.key)).toEqual(['x/y'])
    expect((await bucket.list('', { delimiter: '/', signal })).prefixes).toEqual(['x/'])
    await using body = await bucket.get('x/y', { signal })
    expect(body?.info.key).toBe('x/y')
  })

  it('goes on from the cursor of the page before, and sees no sibling whose name starts the same', async () => {
    const bucket = prefixed(await filled('p', 'p-b/x', 'p/1', 'p/2', 'p/3', 'ps/x'), 'p')
    const { cursor, objects } = await bucket.list('', { signal })
    const second = await bucket.list('', { cursor, signal })
    expect([...objects, ...second.objects].map(o => o.key)).toEqual(['1', '2', '3'])
    expect(second.cursor).toBeUndefined()
  })

  it.each([
    // An HTTP client would fold such a key out of the prefix.
    ['team', ['../other', 'a/../../other', '/other', '']],
    ['../team', ['a']],
  ])('asks the bucket inside below %s for none of %j', async (prefix, keys) => {
    const inner = flaky(memoryBucket(), [])
    const bucket = prefixed(inner, prefix)
    for (const key of keys) {
      expect(codeOf(await bucket.get(key, { signal }).catch((error: unknown) => error))).toBe('invalid-key')
      await expect(bucket.put(key, new Uint8Array(1), { signal })).rejects.toThrow('invalid-key')
    }
    if (prefix !== 'team') await expect(bucket.list('', { signal })).rejects.toThrow('invalid-key')
    expect(inner.calls).toEqual([])
  })

  it('fails a listing in which the bucket shows a key from elsewhere', async () => {
    const inner = await filled('other/x')
    const lying = { ...inner, list: () => inner.list('', { signal }) }
    await expect(prefixed(lying, 'team').list('', { signal })).rejects.toThrow(
      'listed "other/x", which is not below "team/"',
    )
  })
})
