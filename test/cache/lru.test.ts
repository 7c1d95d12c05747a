import { Lru, memoryCache } from 'blockgate/cache'
import { describe, expect, it } from 'vitest'

describe('Lru', () => {
  it('lets go of what was used longest ago, never more than is needed, and counts it by kind', () => {
    const gone: string[] = []
    const lru = new Lru<string>({ maxBytes: 80, evicted: (key, value) => gone.push(key + value) })
    for (const key of 'abcdefgh') lru.set(key, '!', 10, key === 'b' ? 'postings' : 'chunk')
    expect([lru.get('a'), lru.peek('b'), lru.get('nothing')]).toEqual(['!', '!', undefined])
    lru.set('i', '!', 5, 'chunk')
    lru.set('j', '!', 5, 'chunk')
    expect(gone).toEqual(['b!'])
    expect(lru.stats).toEqual({ bytes: 80, entries: 9, evictions: { postings: 1, series: 0, chunk: 0 } })
    lru.set('k', '!', 10, 'chunk')
    expect(gone).toEqual(['b!', 'c!'])
    expect(lru.get('a')).toBe('!')
  })

  it('counts a value that takes the place of another once, and forgets what is deleted', () => {
    const lru = new Lru<number>({ maxBytes: 80 })
    for (const value of [1, 2]) lru.set('a', value, value * 5, 'series')
    expect([lru.get('a'), lru.stats.bytes, lru.stats.entries]).toEqual([2, 10, 1])
    lru.delete('a')
    lru.delete('a')
    expect([lru.get('a'), lru.stats.bytes, lru.stats.entries]).toEqual([undefined, 0, 0])
    lru.set('a', 1, 1, 'series')
    lru.clear()
    expect(lru.stats).toEqual({ bytes: 0, entries: 0, evictions: { postings: 0, series: 0, chunk: 0 } })
  })

  it('does not take what is more than an eighth of all, and keeps what it had', () => {
    const lru = new Lru<number>({ maxBytes: 80 })
    expect([lru.set('a', 1, 10, 'chunk'), lru.set('b', 1, 11, 'chunk'), lru.set('a', 2, 11, 'chunk')]).toEqual([
      true,
      false,
      false,
    ])
    expect([lru.get('a'), lru.stats.bytes]).toEqual([1, 10])
  })
})

describe('memoryCache', () => {
  it('counts what a value takes with its key and beside it', () => {
    const cache = memoryCache(10_000)
    cache.put([{ key: 'abc', kind: 'chunk', value: new Uint8Array(100) }])
    expect(cache.stats?.()).toMatchObject({ bytes: 100 + 3 + 256, entries: 1 })
  })
})
