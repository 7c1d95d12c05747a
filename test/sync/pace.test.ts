// When listings come: of an interval that adapts, and where somebody asks for one.
import type { Interval, Listed, NextListing } from 'blockgate'
import { settle } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { blocks, scriptedOwnership, world } from '../support/world.ts'

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
