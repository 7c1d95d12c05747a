import { blockId } from 'blockgate'
import { testId } from 'blockgate/testing'
import { expect, it } from 'vitest'
import { rendezvous } from '../../../../plugins/ownership/hash-ring/rendezvous.ts'
import { blocks, counted, gateways } from './support.ts'

const placed = (...ids: readonly string[]) => ids.map(id => ({ id, zone: undefined }))
const first = (ids: Iterable<string>) => [...ids][0]

it('ranks these five members for these blocks, in every version', () => {
  const ranking = rendezvous().prepare(gateways(5))
  const ids = [1, 2, 5, 6].map(ms => testId(ms))
  const ranks = [...ids, blockId('01M82F4TV5KS1VYMEACTGJ6Y3Q')].map(id => [...ranking.rank(id)].join(' '))
  expect(ranks).toMatchInlineSnapshot(`
    [
      "gw-3 gw-4 gw-2 gw-1 gw-5",
      "gw-2 gw-4 gw-1 gw-5 gw-3",
      "gw-1 gw-2 gw-4 gw-3 gw-5",
      "gw-2 gw-4 gw-5 gw-3 gw-1",
      "gw-5 gw-3 gw-2 gw-4 gw-1",
    ]
  `)
})

it('puts the smaller id first where two members draw the same number', () => {
  // Found by trying: both draw 2,666,112,078 for this block.
  const tied = ['m24748', 'm43349']
  expect([
    ...rendezvous()
      .prepare(placed(...tied))
      .rank(testId(1)),
  ]).toEqual(tied)
  expect([
    ...rendezvous()
      .prepare(placed(...tied.toReversed()))
      .rank(testId(1)),
  ]).toEqual(tied)
})

it('spreads blocks whose ids differ in their time alone, or in their last bits alone', () => {
  const ranking = rendezvous().prepare(gateways(10))
  const times = Array.from({ length: 20_000 }, (_, i) => testId(i))
  const tails = Array.from({ length: 20_000 }, (_, i) => testId(1_767_225_600_000, i))
  for (const ids of [times, tails]) {
    const counts = [...counted(ids.map(id => first(ranking.rank(id)))).values()]
    // The standard deviation is 42 of 2,000.
    expect(counts.length).toBe(10)
    expect(Math.min(...counts)).toBeGreaterThan(1790)
    expect(Math.max(...counts)).toBeLessThan(2210)
  }
})

it('hands the blocks of one member to all others in equal parts', () => {
  const ranking = rendezvous().prepare(gateways(11))
  const second = blocks(22_000).flatMap(id => {
    const [best, next] = ranking.rank(id)
    return best === 'gw-1' ? [next] : []
  })
  const counts = counted(second)
  // About 2,000 blocks over ten: 200 each, of a standard deviation of 14.
  expect(counts.size).toBe(10)
  for (const count of counts.values()) expect(Math.abs(count - second.length / 10)).toBeLessThan(70)
})

it('has a text for the fingerprint, no options and nothing to complain about', () => {
  const { name, fingerprint, options, check } = rendezvous()
  expect({ name, fingerprint, options, check }).toEqual({
    name: 'rendezvous',
    fingerprint: 'rendezvous/1',
    options: undefined,
    check: undefined,
  })
})
