// When listings come: of an interval that adapts, and where somebody asks for one.
import {
  type Bucket,
  BucketError,
  gateway,
  type Interval,
  type Listed,
  memoryState,
  type NextListing,
  resolveConfig,
} from 'blockgate'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
import { fakeHost, memoryBucket, settle } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { blocks, scriptedOwnership, scriptedSink, world } from '../support/world.ts'

/** Gives these, one after another, and then the last one again and again. */
function scripted(...answers: readonly NextListing[]): Interval & { readonly seen: Listed[] } {
  const seen: Listed[] = []
  return {
    name: 'scripted',
    longestMs: 600_000,
    seen,
    create: () => ({
      next(listed) {
        seen.push(listed)
        return answers[Math.min(seen.length, answers.length) - 1] ?? { ms: 60_000, why: 'staleness' }
      },
    }),
  }
}

describe('an interval of its own', () => {
  it('is followed to the millisecond, and told of each listing: what came since the one before, and how it ended', async () => {
    const every = scripted({ ms: 40_000, why: 'to' }, { ms: 20_000, why: 'rate' })
    const { gateway, source, host } = await world({ list: blocks(1, 2), every })
    await gateway.start()
    source.list = blocks(1, 2, 3, 4, 5)
    await host.advance(39_999)
    expect(source.listings).toBe(1)
    await host.advance(1)
    expect(source.listings).toBe(2)
    await host.advance(20_000)
    expect(source.listings).toBe(3)
    expect(every.seen.map(({ came, ok }) => [came, ok])).toEqual([
      [2, true],
      [3, true],
      [0, true],
    ])
    expect(every.seen.map(({ monotonic }) => monotonic - (every.seen[0]?.monotonic ?? 0))).toEqual([0, 40_000, 60_000])
  })

  it('is told of the requests that listings took, every try', async () => {
    const every = scripted({ ms: 60_000, why: 'to' })
    const host = fakeHost()
    const inner = memoryBucket({ pageSize: 2 })
    let fails = 0
    const bucket: Bucket = {
      ...inner,
      list: async (prefix, options) => {
        if (fails-- > 0) throw new BucketError('503', { status: 503 })
        return await inner.list(prefix, options)
      },
    }
    const { signal } = new AbortController()
    for (const n of [1, 2, 3, 4, 5]) await inner.put(`0/${n}`, new Uint8Array(1), { signal })
    const config = await resolveConfig({ bucket, every, pipeline: [scanBucket(), scriptedSink()] }, { env: {} })
    const made = gateway(config, { host, state: memoryState() })
    await made.start()
    fails = 2
    await host.advance(70_000)
    expect(every.seen.map(({ requests, ok }) => [requests, ok])).toEqual([
      [3, true],
      [5, true],
    ])
    await made.stop()
  })

  it('is not told of runs that do not list', async () => {
    const every = scripted()
    const ownership = scriptedOwnership([1])
    const { gateway, host } = await world({ list: blocks(1, 2), every, ownership })
    await gateway.start()
    ownership.gain(2)
    await host.advance(1_000)
    expect(every.seen).toHaveLength(1)
  })

  it('is not waited for after a failed run, but where its answer is that the budget is spent', async () => {
    const every = scripted({ ms: 60_000, why: 'staleness' }, { ms: 50_000, why: 'budget' })
    const { gateway, source, host } = await world({ list: blocks(1), every })
    source.error = new Error('503')
    await gateway.start()
    await host.advance(1_000)
    expect(source.listings).toBe(2)
    await host.advance(49_000)
    expect(source.listings).toBe(2)
    await host.advance(1_000)
    expect(source.listings).toBe(3)
    expect(every.seen.map(({ ok }) => ok)).toEqual([false, false, false])
  })

  it('lists again in a first run that takes longer than firstMs', async () => {
    const { gateway, source, sink, host } = await world({ list: blocks(1), every: { ...scripted(), firstMs: 20_000 } })
    const go = sink.gate(1)
    const start = gateway.start()
    source.list = blocks(1, 2)
    await host.advance(20_000)
    expect([source.listings, sink.numbers]).toEqual([2, [2]])
    go()
    await start
  })

  it('says in its errors where it stands', async () => {
    const every = { ...scripted(), check: () => [{ path: 'to', must: 'be less', value: 7 }] }
    await expect(world({ every })).rejects.toThrow('every.to: must be less: current value is 7')
  })

  it('leaves no timer behind', async () => {
    const { gateway, host } = await world({ list: blocks(1), every: scripted() })
    await gateway.start()
    await gateway.stop()
    await settle()
    expect(host.pendingTimers).toBe(0)
  })
})
