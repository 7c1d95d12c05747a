import type { BlockStage, Interval } from 'blockgate'
import { skip } from 'blockgate'
import { testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { blocks, scriptedOwnership } from '../support/world.ts'
import { measured } from './measured.ts'

const every: Interval = {
  name: 'half',
  longestMs: 60_000,
  create: () => ({ next: () => ({ ms: 30_000, why: 'rate' }) }),
}

/** A block whose upload ended at `time`. */
const uploadedAt = (n: number, uploaded: number) => blocks(n).map(block => ({ ...block, uploaded }))

describe('the interval', () => {
  it('is told with why it is that, where listings come by themselves', async () => {
    const { gateway, run, read } = await measured({ every })
    await run()
    expect(Object.keys(await read()).filter(name => name.startsWith('sync_interval'))).toEqual([])
    await gateway.start()
    expect(await read()).toMatchObject({ 'sync_interval_seconds{why="rate"}': 30 })
  })
})

describe('the staleness of a block', () => {
  it('is told of a block that came after the first listing, from its upload until it is served', async () => {
    const { gateway, source, host, read } = await measured({ every })
    source.list = uploadedAt(1, host.now() - 1_000_000)
    await gateway.start()
    source.list = [...source.list, ...uploadedAt(2, host.now() + 10_000)]
    await host.advance(30_000)
    const told = await read()
    expect([told.block_staleness_seconds_count, told.block_staleness_seconds_sum]).toEqual([1, 20])
  })

  it('is told of a block whose upload ended during the first run', async () => {
    const { gateway, source, sink, host, read } = await measured({ list: blocks(1), every })
    const go = sink.gate(1)
    const start = gateway.start()
    await host.advance(20_000)
    go()
    await start
    source.list = [...source.list, ...uploadedAt(2, host.now() - 10_000)]
    await host.advance(30_000)
    const told = await read()
    expect([told.block_staleness_seconds_count, told.block_staleness_seconds_sum]).toEqual([1, 40])
  })

  it('counts what a filter makes it wait, and no upload that was there before, or in the future', async () => {
    let isFresh = true
    const delay: BlockStage = {
      kind: 'block',
      name: 'delay',
      handle: async (block, next) => (isFresh && block.id === testId(2) ? skip('too-fresh', { retain: true }) : next()),
    }
    const { gateway, source, host, read } = await measured({ every, stages: [delay] })
    await gateway.start()
    const now = host.now()
    source.list = [...uploadedAt(2, now + 10_000), ...uploadedAt(3, now - 1), ...uploadedAt(4, now + 3_600_000)]
    await host.advance(30_000)
    isFresh = false
    await host.advance(30_000)
    const told = await read()
    expect([told.block_staleness_seconds_count, told.block_staleness_seconds_sum]).toEqual([2, 50])
  })

  it('is not told of a block that another gateway served before', async () => {
    const ownership = scriptedOwnership([1])
    const { gateway, source, host, read } = await measured({ every, ownership })
    await gateway.start()
    source.list = uploadedAt(2, host.now() + 10_000)
    await host.advance(30_000)
    ownership.gain(2)
    await host.advance(30_000)
    expect(gateway.catalogue.get(testId(2))?.state).toBe('serving')
    expect((await read()).block_staleness_seconds_count ?? 0).toBe(0)
  })
})
