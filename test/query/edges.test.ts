// Edges of choosing blocks and of reading them, each of which a change of one character moves.
import { readPostings } from 'blockgate/tsdb'
import { describe, expect, it } from 'vitest'
import { isWithin, restOf } from '../../src/query/choose-blocks.ts'
import { Flights } from '../../src/query/flights.ts'
import { matcher } from '../../src/query/matchers.ts'

it('a block has its first millisecond, and not that of its end', () => {
  const block = { minTime: 100, maxTime: 200 }
  expect([isWithin(block, 0, 99), isWithin(block, 0, 100)]).toEqual([false, true])
  expect([isWithin(block, 199, 300), isWithin(block, 200, 300)]).toEqual([true, false])
})

it('an external label that is empty is none: the series may have it', () => {
  const asked = matcher({ type: '=', name: 'zone', value: 'a' })
  expect(restOf([asked], { zone: '' })).toEqual([asked])
  expect(restOf([asked], { zone: 'b' })).toBeUndefined()
  expect(restOf([asked], { zone: 'a' })).toEqual([])
  const method = matcher({ type: '=', name: 'constructor', value: 'a' })
  expect(restOf([method], { zone: 'a' })).toEqual([method])
})

describe('a postings list', () => {
  it.each([
    [[1, 2, 9], true],
    [[1, 1], false],
    [[2, 1], false],
  ])('of %j is right: %s', (refs, isRight) => {
    const bytes = new Uint8Array(4 + 4 * refs.length)
    const view = new DataView(bytes.buffer)
    view.setUint32(0, refs.length)
    for (const [i, ref] of refs.entries()) view.setUint32(4 + 4 * i, ref)
    if (isRight) expect([...readPostings(bytes, 'postings')]).toEqual(refs)
    else expect(() => readPostings(bytes, 'postings')).toThrow('postings: reference 1 must be > ')
  })
})

it('a read that all have left is not joined, also while it is ending', async () => {
  const flights = new Flights()
  const span = { offset: 0, end: 1 }
  const gone = new AbortController()
  const never = new Promise<Uint8Array>(() => {})
  const first = flights.read('a', span, () => never, gone.signal)
  gone.abort(new Error('the client has gone'))
  await expect(first).rejects.toThrow('the client has gone')
  const second = flights.read('a', span, async () => Uint8Array.of(7), new AbortController().signal)
  expect([...(await second)]).toEqual([7])
})
