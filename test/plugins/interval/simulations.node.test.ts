// Numbers of five days in a bucket of 10,000 blocks; the first two days are for learning. docs/sync.md has them as a table.

import { adaptive } from 'blockgate/plugins/interval/adaptive'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Random } from '../../simulation/random.ts'
import { DAY, HOUR, MINUTE, poisson, SECOND, TRACES, trace } from './arrivals.ts'
import { type Costs, dearestDay, fixed, quantile, type Simulated, simulate } from './simulate.ts'

const FULL: Costs = { full: 11 }
const TAIL: Costs = { full: 11, tail: 1 }
const DAYS = 5
const LEARNT = 2 * DAY
/** Requests a day of a full listing each 15 minutes. */
const BUDGET = 96 * FULL.full

const p99 = (simulated: Simulated) => quantile(simulated.staleness(LEARNT), 0.99)

describe.each(Object.entries(TRACES))('a bucket with %s', (_, make) => {
  const made = (seed: number) => make(seed, DAYS)

  it.each([1, 2])(
    'is as fresh as with 3 minutes, for the requests of 15, where new blocks alone are looked at (seed %i)',
    seed => {
      const often = simulate(made(seed), fixed(3 * MINUTE), FULL, seed)
      const interval = adaptive({ to: '1h', staleness: '150s', requestsPerDay: BUDGET })
      const adapts = simulate(made(seed), interval, TAIL, seed)
      expect(p99(adapts)).toBeLessThan(p99(often))
      expect(dearestDay(adapts)).toBeLessThanOrEqual(BUDGET)
    },
  )

  it.each([1, 2])(
    'takes a third of the requests of 3 minutes, and is as fresh, where new blocks alone are looked at (seed %i)',
    seed => {
      const often = simulate(made(seed), fixed(3 * MINUTE), FULL, seed)
      const adapts = simulate(made(seed), adaptive({ to: '1h', staleness: '3m' }), TAIL, seed)
      expect(p99(adapts)).toBeLessThan(p99(often))
      expect(adapts.requestsPerDay(LEARNT)).toBeLessThan(0.36 * often.requestsPerDay(LEARNT))
    },
  )
})

describe('blocks that come in waves', () => {
  it.each([1, 2])(
    'are found as fast as with 3 minutes for about a third of the requests, of full listings, too (seed %i)',
    seed => {
      const waves = TRACES.waves(seed, DAYS)
      const often = simulate(waves, fixed(3 * MINUTE), FULL, seed)
      const adapts = simulate(waves, adaptive({ to: '1h', staleness: '190s' }), FULL, seed)
      expect(p99(adapts)).toBeLessThan(p99(often))
      expect(adapts.requestsPerDay(LEARNT)).toBeLessThan(often.requestsPerDay(LEARNT) / 3)
    },
  )

  it.each([1, 2])(
    'are found soon with a budget that is too small for the staleness: it is spread over the waves (seed %i)',
    seed => {
      const interval = adaptive({ to: '1h', staleness: '60s', requestsPerDay: 450 })
      const waits = simulate(TRACES.waves(seed, DAYS), interval, TAIL, seed).staleness(LEARNT)
      expect(quantile(waits, 0.5)).toBeLessThan(MINUTE)
      expect(quantile(waits, 0.99)).toBeLessThan(10 * MINUTE)
    },
  )

  it('are expected: the first listing of a wave is not later than the others', () => {
    const waves = TRACES.waves(1, DAYS)
    const adapts = simulate(waves, adaptive({ to: '1h', staleness: '3m' }), TAIL)
    const waited = adapts.staleness()
    const firsts = waves.blocks.map((at, i) => [at, waited[i] ?? 0] as const)
    const begins = firsts.filter(([at]) => at >= LEARNT && at % (2 * HOUR) < 2 * MINUTE).map(([, ms]) => ms)
    expect(quantile(begins, 0.99)).toBeLessThan(3 * MINUTE + 2 * SECOND)
  })
})

describe('the interval', () => {
  it.each([
    ['a block a minute', MINUTE],
    ['a block in ten minutes', 10 * MINUTE],
    ['a block an hour', HOUR],
  ])('does not swing while %s comes', (_, mean) => {
    for (const seed of [1, 2, 3]) {
      const steady = trace('steady', DAYS, poisson(new Random(seed), 0, DAYS * DAY, mean))
      const { listings } = simulate(steady, adaptive({ staleness: '3m' }), TAIL, seed)
      const waits = listings.filter(({ at }) => at >= DAY).map(({ ms }) => ms)
      expect(quantile(waits, 0.95) / quantile(waits, 0.05)).toBeLessThan(1.6)
      const changes = waits.slice(1).map((ms, i) => Math.abs(Math.log(ms / (waits[i] ?? 0))))
      // Chance is a fifth of it.
      expect(Math.exp(Math.max(...changes))).toBeLessThanOrEqual(2 / 0.8)
    }
  })

  it('falls by at most half, and its chance, from one listing to the next, when very many blocks come', () => {
    const blocks = Array.from({ length: 5_000 }, (_, i) => DAY + 12.5 * HOUR + i * 100)
    const { listings } = simulate(trace('burst', 2, blocks), adaptive({ to: '15m', staleness: '10m' }), TAIL)
    const waits = listings.filter(({ at }) => at > DAY + 12 * HOUR && at < DAY + 13 * HOUR)
    expect(Math.min(...waits.map(({ ms }) => ms))).toBeLessThan(2 * MINUTE)
    for (const [i, { ms }] of waits.entries()) expect((waits[i - 1]?.ms ?? 0) / ms).toBeLessThanOrEqual(2 / 0.8)
  })

  it('differs between gateways that start at once', () => {
    const quiet = { ...trace('none', 1, []), ms: HOUR }
    const first = (seed: number) => simulate(quiet, adaptive(), TAIL, seed).listings[1]?.at
    expect(new Set([1, 2, 3, 4, 5, 6].map(first)).size).toBe(6)
  })

  it('stays between from and to, and a day within its budget, whatever comes', () => {
    const options = fc
      .record({
        from: fc.integer({ min: 30_000, max: 120_000 }),
        more: fc.integer({ min: 0, max: 300_000 }),
        most: fc.integer({ min: 0, max: 3_600_000 }),
        budget: fc.integer({ min: 1, max: 20 }),
        costs: fc.record({
          full: fc.integer({ min: 1, max: 40 }),
          tail: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
        }),
      })
      .map(({ from, more, most, budget, costs: { full, tail } }) => {
        const to = Math.max(60_000, from + more + most)
        // So that a listing each `to`, and a few dear ones, are within it: `to` counts for more than the budget.
        const dearest = Math.max(3, full, tail ?? 0)
        const requestsPerDay = Math.ceil(budget * dearest * (1.2 * (DAY / Math.min(to, HOUR)) + 16))
        return {
          limits: { from, to, staleness: from + more, requestsPerDay },
          costs: tail === undefined ? { full } : { full, tail },
        }
      })
    const arrivals = fc.array(
      fc.tuple(
        fc.integer({ min: 0, max: 2 * DAY }),
        fc.integer({ min: 1, max: 500 }),
        fc.integer({ min: 1, max: 2 * HOUR }),
      ),
      { maxLength: 30 },
    )
    const outage = fc.option(fc.tuple(fc.integer({ min: 0, max: 2 * DAY }), fc.integer({ min: 1, max: 6 * HOUR })), {
      nil: undefined,
    })
    fc.assert(
      fc.property(options, arrivals, outage, fc.integer(), ({ limits, costs }, groups, off, seed) => {
        expect(adaptive(limits).check?.([])).toEqual([])
        const blocks = groups.flatMap(([at, many, over]) =>
          Array.from({ length: many }, (_, i) => at + (i * over) / many),
        )
        const made = { ...trace('any', 2, blocks), outage: off && ([off[0], off[0] + off[1]] as const) }
        const simulated = simulate(made, adaptive(limits), costs, seed)
        const outside = simulated.listings.filter(({ ms, ok }) => !(ms <= limits.to && (!ok || ms >= limits.from)))
        expect(outside).toEqual([])
        expect(dearestDay(simulated)).toBeLessThanOrEqual(limits.requestsPerDay)
      }),
      { numRuns: 20 },
    )
  })

  it('is `to` where the budget is too small for that: what the compactor deletes must be seen before', () => {
    const { listings } = simulate(trace('none', 1, []), adaptive({ to: '15m', requestsPerDay: 100 }), FULL)
    expect(listings.length).toBeGreaterThan(90)
    expect(listings.slice(20).every(({ ms, why }) => ms === 15 * MINUTE && why === 'to')).toBe(true)
  })
})
