import { describe, expect, it } from 'vitest'
import { PLUGINS } from './plugins.ts'
import { Process } from './process.ts'
import { Random } from './random.ts'
import { Scheduler } from './scheduler.ts'
import { simulate } from './simulate.ts'

/** A few: CI tells hundreds, with `npm run sim`. */
const SEEDS = 4

describe.each(PLUGINS.map(plugin => [plugin.name, plugin] as const))('a cluster of %s on virtual time', (_, plugin) => {
  it(`keeps every invariant in the histories of the first ${SEEDS} seeds`, async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const verdict = await simulate(seed, plugin)
      expect(verdict.violation && `seed ${seed}\n${verdict.story(60)}\n${verdict.violation}`).toBeUndefined()
      expect(verdict.events).toBeGreaterThan(1_000)
    }
  })

  it('is the same for the same seed, and another for another', async () => {
    const [first, again, other] = [await simulate(2, plugin), await simulate(2, plugin), await simulate(3, plugin)]
    expect(again.events).toBe(first.events)
    expect(again.hash).toBe(first.hash)
    expect(again.story(1_000)).toBe(first.story(1_000))
    expect(other.hash).not.toBe(first.hash)
  })
})

describe('a simulated process', () => {
  const started = (rate = 1) => {
    const scheduler = new Scheduler()
    return { scheduler, process: new Process('gw-0', 1, scheduler, new Random(1), { skew: 0, rate }, () => {}) }
  }
  const until = (scheduler: Scheduler, ms: number) => {
    scheduler.after(ms - scheduler.now, 'end', () => {})
    return scheduler.run(
      () => scheduler.now >= ms,
      () => {},
    )
  }

  it('gets nothing while it is paused, and everything after it', async () => {
    const { scheduler, process } = started()
    const got: string[] = []
    process.setTimer(100, () => got.push('timer'))
    process.arrive(50, 'answer', () => got.push('answer'))
    process.pause('stop')
    await until(scheduler, 1_000)
    expect(got).toEqual([])
    process.resume()
    await until(scheduler, 1_010)
    expect(got.toSorted()).toEqual(['answer', 'timer'])
    expect(process.monotonic()).toBe(1_010)
  })

  it('has a monotonic clock that stands still while it is suspended, and timers that do too', async () => {
    const { scheduler, process } = started()
    let fired = 0
    process.setTimer(500, () => {
      fired = scheduler.now
    })
    await until(scheduler, 100)
    const wall = process.now()
    process.pause('suspend')
    await until(scheduler, 10_100)
    expect(process.monotonic()).toBe(100)
    expect(process.now() - wall).toBe(10_000)
    process.resume()
    await until(scheduler, 11_000)
    expect(fired).toBeCloseTo(10_500, 1)
  })

  it('has clocks of its own rate, and a wall clock that steps', async () => {
    const { scheduler, process } = started(1.1)
    const wall = process.now()
    await until(scheduler, 1_000)
    process.step(-5_000)
    expect(process.monotonic()).toBeCloseTo(1_100)
    expect(process.now() - wall).toBeCloseTo(1_100 - 5_000)
  })

  it('gets nothing any more once it was killed', async () => {
    const { scheduler, process } = started()
    const got: string[] = []
    process.setTimer(100, () => got.push('timer'))
    process.arrive(50, 'answer', () => got.push('answer'))
    process.kill()
    await until(scheduler, 1_000)
    expect(got).toEqual([])
  })
})
