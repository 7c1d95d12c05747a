// What a query of ten series costs at an object store, however many series the block has: bench:query -- needle has a million.
import { memoryCache } from 'blockgate/cache'
import { fakeHost } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { EntryCache } from '../../src/cache/entry-cache.ts'
import { entryCounter, needleBlock, needleWorld, tailOf } from './needle.ts'

const block = needleBlock(20_000)
const { ask, querierOf } = needleWorld(block)

describe('ten of 20,000 series of a block', () => {
  it('are three round trips and three GETs, with a header that is not in memory yet, too', async () => {
    const querier = querierOf()
    for (const header of ['cold', 'warm']) {
      expect(await ask(querier), header).toMatchObject({ gets: 3, roundTrips: 3 })
    }
  })

  it('are no more of both with matchers that many series have', async () => {
    const querier = querierOf()
    for (const more of [
      [{ type: '=', name: 'cluster', value: 'eu-1' }],
      [{ type: '=~', name: 'job', value: 'job-.' }],
      [{ type: '!=', name: 'pod', value: 'pod-0999' }],
      [{ type: '=~', name: 'pod', value: '.+' }],
    ] as const) {
      expect(await ask(querier, more)).toMatchObject({ gets: 3, roundTrips: 3 })
    }
  })

  it('are at most 1.3 times the bytes of the entries that they need', async () => {
    const { counted, cache } = entryCounter()
    const { bytes } = await ask(querierOf({ cache }))
    expect(counted.bytes).toBeGreaterThan(10 * 4 * 120)
    expect(bytes / counted.bytes).toBeLessThanOrEqual(1.3)
  })

  it('are late at most 1.5 times where one GET of a hundred takes ten times as long: it is begun once more', async () => {
    const { p50, p99, counts } = await tailOf(block, true, 1_000)
    expect(p99 / p50).toBeLessThanOrEqual(1.5)
    expect((counts?.again ?? 0) / (counts?.reads ?? 0)).toBeLessThan(0.15)
    const without = await tailOf(block, false, 1_000)
    expect(without.p99 / without.p50).toBeGreaterThan(3)
  })

  it('are asked for once', async () => {
    const querier = querierOf({ cache: new EntryCache(memoryCache(2 ** 20), fakeHost()) })
    expect(await ask(querier)).toMatchObject({ gets: 3 })
    expect(await ask(querier)).toEqual({ gets: 0, bytes: 0, roundTrips: 0 })
  })
})
