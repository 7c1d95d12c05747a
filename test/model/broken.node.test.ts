import { describe, expect, test } from 'vitest'
import { explore, type Model, replay } from './bfs.ts'
import { BROKEN } from './broken.ts'
import { ONE, of, serving, slotted } from './clean.ts'
import { protocol, settled } from './protocol.ts'
import type { Variant } from './variants.ts'
import type { Config } from './world.ts'

const BOUND = 200_000

describe('without one rule, the shortest story is', () => {
  test.each(Object.entries(BROKEN))('%s', (variant, { config, story, broken }) => {
    const found = explore(protocol({ ...config, variant: variant as Variant }), BOUND).story

    expect(found).toEqual({ steps: story.split('; '), broken })
    expect(explore(protocol(config), BOUND).story).toBeUndefined()
  })
})

test('a bound that is too small is an error, not a proof', () => {
  expect(() => explore(protocol(slotted(2, 1, {})), 5)).toThrow('states must be <= 5')
})

test('a member that was forgotten while a drop was in flight does not advertise that block when it joins again', () => {
  const config = of(2, 1, { pause: 1, forget: 1, drain: 1 }, [...serving('A'), ...serving('B')])
  const story = ['A observes', 'A releases b1', 'A is paused and marked unhealthy', 'A is forgotten', 'A joins again']
  const rest = ['A advertises all', 'A sends a heartbeat', 'B is drained', 'B observes', 'B releases b1']

  expect(
    replay(protocol({ ...config, variant: 'publish includes what is being dropped' }), [...story, ...rest]).broken,
  ).toBe('the release counted an advertisement that is not true')
  expect(() => replay(protocol(config), [...story, ...rest])).toThrow('current value is B releases b1')
})

test('without the precondition an owner may give up its copy, but no copy is lost: that many others were seen serving', () => {
  for (const config of [
    slotted(2, 1, { seize: 2, give: 1, drain: 1, cancel: 1 }),
    slotted(3, 2, { seize: 2 }),
    slotted(3, 2, { seize: 1, failover: 1 }),
  ]) {
    const model = protocol({ ...config, variant: 'no precondition' })
    const next: Model['next'] = (state, emit) =>
      model.next(state, (label, after, broken) =>
        emit(label, after, broken === 'the release asked others than the owners' ? undefined : broken),
      )

    expect(explore({ ...model, next }, BOUND).story).toBeUndefined()
  }
})

describe('a superseded child whose parent is mine', () => {
  const before = [...ONE, 'b1 is compacted into b2', 'A lists b2', 'A loads b2', 'A publishes']
  const config = of(1, 1, { compaction: 1 }, before)

  test('is released, because my own advertisement of the parent counts', () => {
    expect(explore(protocol(config), BOUND, settled(config))).toEqual({ states: 4, depth: 2 })
  })

  test('would never be released by "I am not an owner of what it needs"', () => {
    const literal: Config = { ...config, variant: 'superseding as first written' }

    expect(explore(protocol(literal), BOUND, settled(literal)).story).toEqual({
      steps: [],
      broken: 'the goal is out of reach',
    })
  })
})
