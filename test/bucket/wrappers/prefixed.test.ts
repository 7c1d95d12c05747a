import { codeOf } from 'blockgate'
import { prefixed } from 'blockgate/bucket'
import { flaky, memoryBucket } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'

const { signal } = new AbortController()
const text = (s: string) => new TextEncoder().encode(s)

describe('prefixed()', () => {
  it('is the bucket itself for an empty prefix', () => {
    const bucket = memoryBucket()
    expect(prefixed(bucket, '')).toBe(bucket)
  })

  for (const prefix of ['team/a', 'team/a/']) {
    it(`puts keys below "${prefix}" and gives them back without it`, async () => {
      const inner = memoryBucket()
      const bucket = prefixed(inner, prefix)
      await bucket.put('x/y', text('1'), { signal })
      expect((await inner.list('', { signal })).objects.map(o => o.key)).toEqual(['team/a/x/y'])
      expect((await bucket.list('', { signal })).objects.map(o => o.key)).toEqual(['x/y'])
      expect((await bucket.list('', { delimiter: '/', signal })).prefixes).toEqual(['x/'])
      await using body = await bucket.get('x/y', { signal })
      expect(body?.info.key).toBe('x/y')
    })
  }

  it('sees nothing of a sibling whose name starts the same', async () => {
    const inner = memoryBucket()
    for (const key of ['team', 'team-b/x', 'team/x', 'teams/x']) await inner.put(key, text('1'), { signal })
    expect((await prefixed(inner, 'team').list('', { signal })).objects.map(o => o.key)).toEqual(['x'])
  })

  it('goes on from the cursor of the page before', async () => {
    const inner = memoryBucket({ pageSize: 2 })
    for (const key of ['p/1', 'p/2', 'p/3', 'q/1']) await inner.put(key, text('1'), { signal })
    const bucket = prefixed(inner, 'p')
    const { cursor } = await bucket.list('', { signal })
    const second = await bucket.list('', { cursor, signal })
    expect([second.objects.map(o => o.key), second.cursor]).toEqual([['3'], undefined])
  })

  it('refuses a key that an HTTP client would fold out of the prefix, also where the store inside takes it', async () => {
    const inner = flaky(memoryBucket(), [])
    const bucket = prefixed(inner, 'team')
    for (const key of ['../other', 'a/../../other', '/other', '']) {
      const thrown = await bucket.get(key, { signal }).catch((error: unknown) => error)
      expect(codeOf(thrown)).toBe('invalid-key')
    }
    expect(inner.calls).toEqual([])
  })

  it('reports a prefix that is no key, and never uses it', async () => {
    const inner = flaky(memoryBucket(), [])
    const bucket = prefixed(inner, '../team')
    expect(bucket.check?.()).toEqual([{ path: 'prefix', must: "have no '.' or '..' segment", value: '../team' }])
    await expect(bucket.list('', { signal })).rejects.toThrow('invalid-key')
    await expect(bucket.put('a', text('1'), { signal })).rejects.toThrow('invalid-key')
    expect(inner.calls).toEqual([])
  })

  it('fails a listing in which the bucket shows a key from elsewhere', async () => {
    const inner = memoryBucket()
    await inner.put('other/x', text('1'), { signal })
    const lying = { ...inner, list: () => inner.list('', { signal }) }
    await expect(prefixed(lying, 'team').list('', { signal })).rejects.toThrow('key must start with "team/"')
  })
})
