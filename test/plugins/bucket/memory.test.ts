import { memory } from 'blockgate/plugins/bucket/memory'
import { services, testBucket } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'

testBucket({ describe, it }, { name: 'memory', factory: () => ({ bucket: memory() }) })
testBucket({ describe, it }, { name: 'memory with pages of 7', factory: () => ({ bucket: memory({ pageSize: 7 }) }) })
testBucket(
  { describe, it },
  { name: 'memory with a prefix', factory: () => ({ bucket: memory({ prefix: 'team-a/blocks/' }) }) },
)

describe('memory()', () => {
  const { signal } = new AbortController()

  it('is named as its folder', () => {
    expect(memory().name).toBe('memory')
  })

  it('reports a page size that is not an integer >= 1', () => {
    expect(memory({ pageSize: 0 }).check?.()).toEqual([{ path: 'pageSize', must: 'be >= 1', value: 0 }])
    expect(memory({ pageSize: 1.5 }).check?.()).toEqual([{ path: 'pageSize', must: 'be an integer', value: 1.5 }])
  })

  it('dates objects by the clock of the host it was started with', async () => {
    const given = services()
    const bucket = memory()
    await bucket.start?.(given)
    await bucket.put('a', new Uint8Array(), { signal })
    const [object] = (await bucket.list('', { signal })).objects
    expect(object?.modified).toBe(given.host.now())
  })

  it('ends its last page without a cursor when the objects fill it exactly', async () => {
    const bucket = memory({ pageSize: 2 })
    for (const key of ['a', 'b']) await bucket.put(key, new Uint8Array(), { signal })
    const page = await bucket.list('', { signal })
    expect([page.objects.map(object => object.key), page.cursor]).toEqual([['a', 'b'], undefined])
  })
})
