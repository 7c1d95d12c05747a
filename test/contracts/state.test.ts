import { memoryState, scopedState } from 'blockgate'
import { expect, it } from 'vitest'

it('each scope of a state sees its own keys only, also a scope in a scope', async () => {
  const state = memoryState()
  const scopes = [scopedState(state, 'a'), scopedState(state, 'b'), scopedState(scopedState(state, 'a'), 'b')]
  for (const [i, scope] of scopes.entries()) await scope.set('key', i)
  expect(await Promise.all([...scopes, state].map(scope => scope.get('key')))).toEqual([0, 1, 2, undefined])
  await scopes[0]?.delete('key')
  expect(await Promise.all(scopes.map(scope => scope.get('key')))).toEqual([undefined, 1, 2])
})

it('no scope and key together read as another scope and key', async () => {
  const state = memoryState()
  await scopedState(state, 'a').set('b/c', 1)
  await scopedState(state, 'a%2Fb').set('c', 2)
  expect(await scopedState(state, 'a/b').get('c')).toBeUndefined()
})

it('a state in memory shares nothing with what was written or read', async () => {
  const state = memoryState()
  const value = { list: [1] }
  await state.set('a', value)
  value.list.push(2)
  const read = (await state.get('a')) as typeof value
  read.list.push(3)
  expect([await state.get('a'), await state.get('b')]).toEqual([{ list: [1] }, undefined])
})
