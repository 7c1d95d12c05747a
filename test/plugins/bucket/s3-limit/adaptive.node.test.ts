// What the limit finds at endpoints of all kinds, in simulated time, beside a limit that stays.
import { describe, expect, it } from 'vitest'
import { type EndpointOptions, World } from './endpoint.ts'

const ADAPTIVE = { start: 128, least: 4, most: 512 }
const FIXED = { start: 128, least: 128, most: 128 }
const SECOND = 1000

async function settled(options: EndpointOptions, limit: typeof ADAPTIVE, clients: number, seconds = 30) {
  const world = new World(options, limit)
  world.clients(clients)
  await world.run(seconds * SECOND)
  return { world, seen: await world.run(10 * SECOND) }
}

describe('a slow endpoint', () => {
  const slow = { workers: 8, serviceMs: 50, networkMs: 2, sigma: 0.5 }

  it.each([
    ['more than the limit', 300],
    ['less than the limit, and still more than it can', 32],
  ])('that is asked for %s is given what it can, and answers in a fraction of the time', async (_, clients) => {
    const { seen } = await settled(slow, ADAPTIVE, clients)
    const { seen: fixed } = await settled(slow, FIXED, clients)
    expect(seen.perSecond).toBeGreaterThan(0.85 * fixed.perSecond)
    expect(seen.ms).toBeLessThan(clients > 128 ? 0.15 * fixed.ms : 0.5 * fixed.ms)
    expect(seen.limit).toBeLessThanOrEqual(32)
  })

  it('of one worker behind a long way is not starved', async () => {
    const { seen } = await settled({ workers: 1, serviceMs: 5, networkMs: 30, sigma: 0.5 }, ADAPTIVE, 300)
    // Of 176: the mean of the noise is 1.13.
    expect(seen.perSecond).toBeGreaterThan(130)
    expect(seen.limit).toBeLessThanOrEqual(32)
  })
})

describe('a fast endpoint', () => {
  const fast = { workers: 10_000, serviceMs: 20, networkMs: 180, sigma: 0.5 }

  it('is used: four times as much at once, and as much more done', async () => {
    const { seen } = await settled(fast, ADAPTIVE, 700, 20)
    const { seen: fixed } = await settled(fast, FIXED, 700, 1)
    expect(seen.limit).toBe(512)
    expect(seen.perSecond).toBeGreaterThan(3.5 * fixed.perSecond)
    expect(seen.ms).toBeLessThan(1.2 * fixed.ms)
  })

  it('with a slow tail is used too', async () => {
    const { seen } = await settled({ ...fast, sigma: 1 }, ADAPTIVE, 700, 40)
    expect(seen.limit).toBeGreaterThan(300)
  })

  it('that becomes slow, and fast again, is followed', async () => {
    const { world } = await settled(fast, ADAPTIVE, 600, 20)
    world.options = { ...fast, workers: 8, serviceMs: 100 }
    await world.run(60 * SECOND)
    expect(world.gate.limit).toBeLessThanOrEqual(64)
    world.options = fast
    await world.run(60 * SECOND)
    expect(world.gate.limit).toBeGreaterThan(300)
  })

  it('that moves away is still used: a longer way is no load', async () => {
    const { world } = await settled(fast, ADAPTIVE, 600, 20)
    world.options = { ...fast, networkMs: 600 }
    await world.run(60 * SECOND)
    expect(world.gate.limit).toBeGreaterThan(300)
  })

  it('that nobody asks for much keeps its limit', async () => {
    const { seen } = await settled(fast, ADAPTIVE, 8, 30)
    expect(seen.perSecond).toBeGreaterThan(30)
  })
})

describe('an endpoint that refuses what is too much in a second', () => {
  const strict = { workers: 10_000, serviceMs: 20, networkMs: 180, sigma: 0.5, perSecond: 1000 }

  it('is used by three quarters, and refuses a fraction of what it refused', async () => {
    const { seen } = await settled(strict, { ...ADAPTIVE, start: 512, most: 2048 }, 600)
    const { seen: fixed } = await settled(strict, { start: 512, least: 512, most: 512 }, 600)
    expect(seen.perSecond).toBeGreaterThan(0.75 * 1000)
    expect(seen.refused).toBeLessThan(0.03 * fixed.refused)
  })

  it('and then no longer is used again', async () => {
    const { world } = await settled({ ...strict, perSecond: 300 }, ADAPTIVE, 600)
    expect(world.gate.limit).toBeLessThanOrEqual(75)
    world.options = { ...strict, perSecond: Number.POSITIVE_INFINITY }
    await world.run(60 * SECOND)
    expect(world.gate.limit).toBeGreaterThan(200)
  })
})

it('the limit stays between its ends, whatever happens, and is a whole number', async () => {
  for (const options of [
    { workers: 1, serviceMs: 1000, networkMs: 0 },
    { workers: 10_000, serviceMs: 0.1, networkMs: 0.1 },
    { workers: 100, serviceMs: 1, networkMs: 1, perSecond: 1 },
  ]) {
    const world = new World(options, { start: 5, least: 4, most: 20 })
    world.clients(40)
    for (let i = 0; i < 20; i++) {
      const { limit } = await world.run(100)
      expect(Number.isInteger(limit) && limit >= 4 && limit <= 20).toBe(true)
    }
  }
})
