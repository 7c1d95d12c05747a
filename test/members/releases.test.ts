/** Releases on their way to the store. */
import { MAX_IDS } from 'blockgate/members'
import { expect, it } from 'vitest'
import { release, serve, stopAll } from './pair.ts'
import { ids, meta, World } from './world.ts'

const numbers = Array.from({ length: 3 * MAX_IDS }, (_, i) => i + 1)

it('more than one call may carry go in several, and each is answered', async () => {
  const world = new World()
  const a = await world.started('a', { handoverDelay: 0 }, ids(...numbers))
  const b = await world.started('b', { handoverDelay: 0 })
  await world.advance(500)
  const blocks = numbers
    .map(meta)
    .filter(block => a.plugin.handover?.owners(block).some(o => o.target && o.member === 'b'))
  expect(blocks.length).toBeGreaterThan(MAX_IDS)
  for (let at = 0; at < blocks.length; at += MAX_IDS) await serve(b, ...blocks.slice(at, at + MAX_IDS))
  await world.advance(4_000)
  const answers = await Promise.all(blocks.map(block => release(a, block)))
  expect(new Set(answers)).toEqual(new Set(['released']))
  expect(a.line.writes.filter(write => write === 'release')).toHaveLength(2)
  await stopAll(a, b)
})
