// What queries read from a bucket is kept, and no cache changes an answer.
import type { ByteCache } from 'blockgate'
import { memoryCache } from 'blockgate/cache'
import { fakeHost } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { EntryCache } from '../../src/cache/entry-cache.ts'
import { Querier } from '../../src/query/querier.ts'
import { SeriesSamples } from '../../src/query/samples.ts'
import { blockOf, sinkOfFiles } from './sink-of.ts'

const { signal } = new AbortController()

/** Two blocks that have entries at the same offsets, with other labels and samples in them. */
const blocks = ['a', 'b'].map((zone, i) => ({
  labels: { zone },
  series: Array.from(
    { length: 5 },
    (_, n) =>
      [{ __name__: 'up', pod: `${zone}${n}` }, [[n, n + i * 10]]] as [Record<string, string>, [number, number][]],
  ),
}))

function world(cache?: ByteCache, kind: 'whole' | 'headers' = 'headers') {
  const { sink, state } = sinkOfFiles(blocks.map(blockOf), { kind })
  const host = fakeHost()
  const entries = cache && new EntryCache(cache, host)
  const querier = new Querier({ sink, cache: entries })
  const ask = async (pod = '.+') => {
    const before = state.reads
    const found: string[] = []
    const filled = new SeriesSamples()
    const matchers = [{ type: '=~', name: 'pod', value: pod }] as const
    for await (const batch of querier.select({ matchers, from: 0, to: 100 }, signal)) {
      for (const { labels, chunks } of batch) {
        filled.fill(chunks, 0, 100)
        found.push(`${labels.map(([, value]) => value).join()}=${filled.floats.values[0]}`)
      }
    }
    return { found, reads: state.reads - before }
  }
  return { ask, entries, host, state }
}

const A = Array.from({ length: 5 }, (_, n) => `up,a${n},a=${n}`)
const B = Array.from({ length: 5 }, (_, n) => `up,b${n},b=${n + 10}`)
const ALL = [...A, ...B]
const SIZE = 1024 ** 2

describe('a query', () => {
  it('finds again what another one read from the bucket, and reads what that did not', async () => {
    const { ask, entries } = world(memoryCache(SIZE))
    expect((await ask('a[012]')).found).toEqual(A.slice(0, 3))
    // Postings of a3 and a4, then their series, then their chunks.
    expect(await ask('a.+')).toMatchObject({ found: A, reads: 3 })
    expect(await ask('a.+')).toEqual({ found: A, reads: 0 })
    expect(entries?.counts.series).toMatchObject({ hits: 8, misses: 5 })
    expect(entries?.stats?.entries).toBe(15)
  })

  it('does not take the entries of one block for those of another', async () => {
    const { ask } = world(memoryCache(SIZE))
    for (const [pod, found] of [
      ['a.+', A],
      ['b.+', B],
      ['.+', ALL],
      ['.+', ALL],
    ] as const) {
      expect((await ask(pod)).found).toEqual(found)
    }
  })

  it('reads from blocks that are on the disk as ever, and keeps nothing of them', async () => {
    const { ask, entries } = world(memoryCache(SIZE), 'whole')
    const { reads } = await ask('a.+')
    // At first with four for the index-header of each block.
    expect([(await ask('a.+')).reads, reads]).toEqual([3, 3 + 2 * 4])
    expect(entries?.stats?.entries).toBe(0)
  })

  it.each<[string, Pick<ByteCache, 'get' | 'put'>]>([
    ['is empty', { get: keys => keys.map(() => undefined), put() {} }],
    ['throws', { get: () => Promise.reject(new Error('away')), put: () => Promise.reject(new Error('away')) }],
    ['gives bytes of its own', { get: keys => keys.map(key => new TextEncoder().encode(key)), put() {} }],
    ['gives another key the value', otherKeys()],
    ['gives the half of each value', halves()],
  ])('has the same answer where the cache %s', async (_, cache) => {
    const { ask } = world({ kind: 'cache', name: 'mine', ...cache })
    for (let i = 0; i < 3; i++) expect((await ask()).found).toEqual(ALL)
  })

  it('keeps nothing of what was damaged on its way from the bucket', async () => {
    const { ask, state } = world(memoryCache(SIZE))
    for (const file of ['index', 'chunks/000001']) {
      state.damaged = file
      await expect(ask()).rejects.toMatchObject({ code: 'corrupt-block' })
      state.damaged = undefined
    }
    expect((await ask()).found).toEqual(ALL)
  })

  it('has the same answer where the cache never answers', async () => {
    const { ask, host } = world({ kind: 'cache', name: 'mine', get: () => new Promise(() => {}), put() {} })
    const asked = ask()
    for (let i = 0; i < 3; i++) await host.advance(1_000)
    expect((await asked).found).toEqual(ALL)
  })
})

/** Every key has what was put last under another one. */
function otherKeys(): Pick<ByteCache, 'get' | 'put'> {
  const values: Uint8Array[] = []
  return {
    get: keys => keys.map((_, i) => values[i]),
    put(entries) {
      values.unshift(...entries.map(({ value }) => value))
    },
  }
}

function halves(): Pick<ByteCache, 'get' | 'put'> {
  const values = new Map<string, Uint8Array>()
  return {
    get: keys => keys.map(key => values.get(key)),
    put(entries) {
      for (const { key, value } of entries) values.set(key, value.slice(0, value.length >> 1))
    },
  }
}
