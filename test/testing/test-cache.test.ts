import type { ByteCache } from 'blockgate'
import { memoryCache } from 'blockgate/cache'
import { testCache } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { kitResult } from './kit-cases.ts'

const SIZE = 64 * 1024 ** 2

/** The names of the cases that fail for a cache with parts of it replaced. */
async function failures(change: (cache: ByteCache) => Partial<ByteCache>): Promise<readonly string[]> {
  const broken = (bytes: number) => () => {
    const cache = memoryCache(bytes)
    return { ...cache, ...change(cache) }
  }
  const options = { name: 'broken', factory: broken(SIZE), small: broken(SIZE / 8) }
  return [...(await kitResult(runner => testCache(runner, options))).failed.keys()]
}

describe('testCache', () => {
  it('finds nothing wrong with a cache in memory', async () => {
    expect(await failures(() => ({}))).toEqual([])
  })

  it('finds one that gives values in another order, or for another key', async () => {
    const reversed = await failures(({ get }) => ({
      get: async (keys, signal) => [...(await get(keys, signal))].reverse(),
    }))
    expect(reversed).toContain(
      'gives back what was put, byte for byte, in the order of the keys, and undefined for what was not',
    )
    const cut = (key: string) => key.slice(0, -1)
    const mixed = await failures(({ get, put }) => ({
      get: (keys, signal) => get(keys.map(cut), signal),
      put: entries => put(entries.map(entry => ({ ...entry, key: cut(entry.key) }))),
    }))
    expect(mixed).toContain('takes gets and puts side by side, and mixes nothing up')
  })

  it('finds one that grows without an end, and one that keeps the half of a large value', async () => {
    const size = 'takes no more than its size, and says what went'
    expect(await failures(() => endless())).toContain(size)
    const halved = await failures(({ put }) => ({
      put: entries => put(entries.map(each => ({ ...each, value: each.value.slice(0, 500_000) }))),
    }))
    expect(halved).toContain('takes a value of 1 MiB, or leaves it')
  })
})

function endless(): Partial<ByteCache> {
  const {
    get,
    put,
    stats = () => ({ bytes: 0, entries: 0, evictions: { postings: 0, series: 0, chunk: 0 } }),
  } = memoryCache(100 * SIZE)
  return { get, put, stats }
}
