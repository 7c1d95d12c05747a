/** What every placement must do. */
import type { BlockId } from 'blockgate'
import { balanced } from 'blockgate/plugins/placement/balanced'
import { describe, expect, it } from 'vitest'
import type { PlacedMember, Placement } from '../../../../plugins/ownership/hash-ring/placement.ts'
import { rendezvous } from '../../../../plugins/ownership/hash-ring/rendezvous.ts'
import { tokenRing } from '../../../../plugins/ownership/hash-ring/token-ring.ts'
import { blocks, counted, gateways, shuffled } from './support.ts'

const some = blocks(300)

describe.each([rendezvous(), tokenRing(), tokenRing({ tokens: 16 }), balanced()])('$fingerprint', placement => {
  it('ranks every member once', () => {
    for (const count of [1, 2, 3, 10, 33]) {
      const members = gateways(count)
      const ranks = rankAll(placement, members, some)
      const ids = members.map(member => member.id).sort()
      for (const rank of ranks) expect([...rank].sort()).toEqual(ids)
    }
  })

  it('gives no owners where there are no members', () => {
    expect(rankAll(placement, [], some).flat()).toEqual([])
  })

  it('gives the same ranks for the same members in any order, whatever was asked before', () => {
    const members = gateways(17)
    const ranks = rankAll(placement, members, some)
    for (let seed = 1; seed <= 10; seed++) {
      const order = shuffled(some, seed)
      const again = rankAll(placement, shuffled(members, seed), order)
      expect(some.map(id => again[order.indexOf(id)])).toEqual(ranks)
    }
  })

  it('keeps two walks at once apart', () => {
    const ranking = placement.prepare(gateways(9))
    const [one, two] = some.map(id => ranking.rank(id)[Symbol.iterator]())
    const mixed = Array.from({ length: 9 }, () => [one?.next().value, two?.next().value])
    const [first, second] = rankAll(placement, gateways(9), some)
    expect(mixed.map(pair => pair[0])).toEqual(first)
    expect(mixed.map(pair => pair[1])).toEqual(second)
  })

  it('leaves the ranks of all others as they are when a member joins or goes', () => {
    const members = gateways(12)
    const all = rankAll(placement, members, some)
    for (const gone of members) {
      const rest = members.filter(member => member !== gone)
      const without = all.map(rank => rank.filter(id => id !== gone.id))
      expect(rankAll(placement, rest, some)).toEqual(without)
    }
  })

  it('gives a member that joins about its share of the blocks', () => {
    const many = blocks(4000)
    const owners = rankAll(placement, gateways(11), many).map(rank => rank[0])
    const taken = (counted(owners).get('gw-11') ?? 0) / many.length
    expect(taken).toBeGreaterThan(0.6 / 11)
    expect(taken).toBeLessThan(1.4 / 11)
  })
})

it('has other fingerprint for every placement whose ranks may differ', () => {
  const placements = [rendezvous(), tokenRing(), tokenRing({ tokens: 16 }), tokenRing({ tokensOf: () => [1] })]
  const fingerprint = placements.map(placement => placement.fingerprint)
  expect(new Set(fingerprint).size).toBe(4)
  expect(tokenRing({ tokens: 512 }).fingerprint).toBe(tokenRing().fingerprint)
})

it.each([
  ['rendezvous', rendezvous(), 0.9, 1.1],
  ['512 tokens', tokenRing(), 0.8, 1.2],
  ['16 tokens', tokenRing({ tokens: 16 }), 0.4, 1.9],
])('%s: shares 20,000 blocks out among ten', (_, placement, least, most) => {
  const ids = blocks(20_000)
  const owners = rankAll(placement, gateways(10), ids, 1).map(rank => rank[0])
  for (const count of counted(owners).values()) {
    expect(count / 2000).toBeGreaterThan(least)
    expect(count / 2000).toBeLessThan(most)
  }
})

function rankAll(
  placement: Placement,
  members: readonly PlacedMember[],
  ids: readonly BlockId[],
  most = Number.POSITIVE_INFINITY,
): readonly (readonly string[])[] {
  const ranking = placement.prepare(members)
  return ids.map(id => Iterator.from(ranking.rank(id)).take(most).toArray())
}
