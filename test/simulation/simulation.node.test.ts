import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { describe, expect, it } from 'vitest'
import { PLUGINS, placed } from './plugins.ts'
import { simulate, type Verdict } from './simulate.ts'
import { SOUND } from './world.ts'

/** A few: CI tells hundreds, with `npm run sim`. */
const SEEDS = 3
/** Short ones, in which what was traced is compared with what happened. */
const TALES = 4
/** In so many of them each outcome that is not told is missed. */
const LOSSY = 12
/** Histories in which something rare happens. 322: a lease is lost in two loads of one block, one run after another. */
const RARE = [322]

describe.each(PLUGINS.map(plugin => [plugin.name, plugin] as const))('a cluster of %s on virtual time', (_, plugin) => {
  const told = new Map<number, Promise<Verdict>>()
  const history = (seed: number) => {
    const verdict = told.get(seed) ?? simulate(seed, plugin)
    told.set(seed, verdict)
    return verdict
  }

  it(`keeps every invariant in the histories of the first ${SEEDS} seeds`, async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const verdict = await history(seed)
      expect(verdict.violation && `seed ${seed}\n${verdict.story(60)}\n${verdict.violation}`).toBeUndefined()
      expect(verdict.events).toBeGreaterThan(1_000)
    }
  })

  it(`has the spans tell what happened, in ${TALES + RARE.length} histories`, async () => {
    const seeds = [...Array.from({ length: TALES }, (_, at) => at + 1), ...RARE]
    for (const seed of seeds) {
      const verdict = await simulate(seed, plugin, SOUND, 'tale')
      expect(verdict.violation && `seed ${seed}\n${verdict.story(60)}\n${verdict.violation}`).toBeUndefined()
    }
  })

  it.each(['added', 'dropped', 'skipped', 'failed', 'retained'])(
    'is found out where a block %s is not told',
    async kind => {
      const lossy = { name: 'lossy', isLost: (span: ReadableSpan) => span.attributes['block.outcome'] === kind }
      let found: string | undefined
      for (let seed = 1; seed <= LOSSY; seed++) {
        found ??= (await simulate(seed, plugin, lossy, 'tale')).violation?.message
      }
      expect(found).toMatch(/^traces: /)
    },
  )

  it('is the same for the same seed, and another for another', async () => {
    const [first, again, other] = [await history(2), await simulate(2, plugin), await history(3)]
    expect(again.events).toBe(first.events)
    expect(again.hash).toBe(first.hash)
    expect(again.story(1_000)).toBe(first.story(1_000))
    expect(other.hash).not.toBe(first.hash)
  })
})

it('keeps every invariant where members publish a placement as well, in a history in which they do', async () => {
  const verdict = await simulate(2, placed)
  expect(verdict.violation && `${verdict.story(60)}\n${verdict.violation}`).toBeUndefined()
  expect(verdict.story(10_000)).toContain('has published a placement')
})
