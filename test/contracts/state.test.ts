import { memoryState, scopedState } from 'blockgate'
import { describe, expect, it } from 'vitest'

describe('scopedState', () => {
  it('each scope sees its own keys only', async () => {
    const state = memoryState()
    const [a, b] = [scopedState(state, 'a'), scopedState(state, 'b')]
    await a.set('key', 1)
    await b.set('key', 2)
    expect([await a.get('key'), await b.get('key'), await state.get('key')]).toEqual([1, 2, undefined])
    await a.delete('key')
    expect([await a.get('key'), await b.get('key')]).toEqual([undefined, 2])
  })

  it('no scope and key together read as another scope and key', async () => {
    const state = memoryState()
    await scopedState(state, 'a').set('b/c', 1)
    await scopedState(state, 'a%2Fb').set('c', 2)
    expect(await scopedState(state, 'a/b').get('c')).toBeUndefined()
  })

  it('scopes nest', async () => {
    const state = memoryState()
    await scopedState(scopedState(state, 'a'), 'b').set('c', 1)
    expect(await scopedState(scopedState(state, 'a'), 'b').get('c')).toBe(1)
    expect(await scopedState(state, 'b').get('c')).toBeUndefined()
  })
})

describe('memoryState', () => {
  it('shares nothing with what was written or read', async () => {
    const state = memoryState()
    const value = { list: [1] }
    await state.set('a', value)
    value.list.push(2)
    const read = (await state.get('a')) as typeof value
    read.list.push(3)
    expect(await state.get('a')).toEqual({ list: [1] })
    expect(await state.get('b')).toBeUndefined()
  })
})
