import { expect, test } from 'vitest'
import { explore, type Model, replay } from './bfs.ts'

/** Counts up by one or by two to `end`; `broken` is not allowed. */
function counter(end: number, broken = -1): Model {
  return {
    initial: '0',
    next(state, emit) {
      for (const by of [1, 2]) {
        const next = Number(state) + by
        if (next <= end) emit(`+${by}`, String(next), next === broken ? `it is ${next}` : undefined)
      }
    },
  }
}

test('every state is seen once', () => {
  expect(explore(counter(10), 100)).toEqual({ states: 11, depth: 5 })
})

test('the story is a shortest one', () => {
  expect(explore(counter(10, 5), 100).story).toEqual({ steps: ['+1', '+2', '+2'], broken: 'it is 5' })
})

test('a bound that is too small is an error, not a proof', () => {
  expect(() => explore(counter(10), 5)).toThrow('states must be <= 5')
})

test('a state from which the goal is out of reach is found', () => {
  expect(explore(counter(10), 100, state => state === '9').story).toEqual({
    steps: ['+2', '+2', '+2', '+2', '+2'],
    broken: 'the goal is out of reach',
  })
  expect(explore(counter(10), 100, state => state === '10').story).toBeUndefined()
})

test('a story is replayed step by step, and only if it is allowed', () => {
  expect(replay(counter(10, 3), ['+1', '+2'])).toEqual({ state: '3', broken: 'it is 3' })
  expect(() => replay(counter(1), ['+2'])).toThrow('current value is +2')
})
