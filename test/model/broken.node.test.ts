import { describe, expect, test } from 'vitest'
import { explore, type Model, replay } from './bfs.ts'
import { BROKEN } from './broken.ts'
import { BROKEN_SLOTS } from './broken-slots.ts'
import { serving } from './clean.ts'
import { slotted } from './clean-slots.ts'
import { protocol, settled } from './protocol.ts'
import { VARIANTS } from './variants.ts'
import type { Config } from './world.ts'

const BOUND = 200_000
const ALL = [...BROKEN, ...BROKEN_SLOTS]

describe('without one rule, the shortest story is', () => {
  for (const { variant, config, story, broken } of ALL) {
    test(variant, () => {
      expect(explore(protocol({ ...config, variant }), BOUND).story).toEqual({ steps: story, broken })
      expect(explore(protocol(config), BOUND).story).toBeUndefined()
    })
  }
})

test('every rule that can be left out has a story, but for the one that only never ends', () => {
  const told = ALL.map(({ variant }) => variant)

  expect(VARIANTS.filter(variant => !told.includes(variant))).toEqual(['needs as first written'])
})

test('a member that was forgotten while a drop was in flight does not claim that block when it joins again', () => {
  const config: Config = {
    members: 2,
    replicas: 1,
    ranks: [[1, 0]],
    faults: { pause: 1, forget: 1, drain: 1 },
    before: [...serving('A'), ...serving('B')],
  }
  const story = ['A observes', 'A releases b1', 'A is paused and set down', 'A is forgotten', 'A joins again']
  const rest = ['A tells all its claims', 'A beats', 'B is drained', 'B observes', 'B releases b1']

  expect(
    replay(protocol({ ...config, variant: 'publish includes what is being dropped' }), [...story, ...rest]).broken,
  ).toBe('the release counted a claim that is not true')
  expect(() => replay(protocol(config), [...story, ...rest])).toThrow('current value is B releases b1')
})

test('without the guard an owner may give up its copy, but no copy is lost: that many others were seen serving', () => {
  for (const config of [
    slotted(2, 1, { seize: 2, give: 1, drain: 1, cancel: 1 }),
    slotted(3, 2, { seize: 2 }),
    slotted(3, 2, { seize: 1, failover: 1 }),
  ]) {
    const model = protocol({ ...config, variant: 'no guard' })
    const next: Model['next'] = (state, emit) =>
      model.next(state, (label, after, broken) =>
        emit(label, after, broken === 'the release asked others than the owners' ? undefined : broken),
      )

    expect(explore({ ...model, next }, BOUND).story).toBeUndefined()
  }
})

describe('a superseded child whose parent is mine', () => {
  const config: Config = {
    members: 1,
    replicas: 1,
    ranks: [[0], [0]],
    faults: { compaction: 1 },
    before: [...serving('A'), 'b1 is compacted into b2', 'A lists b2', 'A loads b2', 'A publishes'],
  }

  test('is released, because my own claim on the parent counts', () => {
    expect(explore(protocol(config), BOUND, settled(config))).toEqual({ states: 4, depth: 2 })
  })

  test('would never be released by "I am not an owner of what it needs"', () => {
    const literal: Config = { ...config, variant: 'needs as first written' }

    expect(explore(protocol(literal), BOUND, settled(literal)).story).toEqual({
      steps: [],
      broken: 'the goal is out of reach',
    })
  })
})
