import type { BlockMeta } from 'blockgate'
import { testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { keyOf, seedOf } from '../../../../plugins/placement/balanced/key.ts'
import { encode } from '../../../../plugins/placement/balanced/table.ts'
import { gateways, shuffled } from '../../ownership/hash-ring/support.ts'
import { bytesOf, lookAt, moved, settled, sized, sizedBlocks, targetsOf } from './sizes.ts'

const many = sizedBlocks(10_000, 7)

describe('10,000 blocks on 100 members', async () => {
  const members = gateways(100)
  const first = await lookAt(many, { members })
  const rest = await settled(many, { members })

  it('are out of balance by a hash, and within the band after a few placements', () => {
    expect(first.before).toBeGreaterThan(1.3)
    expect(rest.after).toBeLessThanOrEqual(1.1)
    expect(rest.looks).toBeLessThan(6)
  })

  it('need few names, and a small object', () => {
    expect(rest.named.size).toBeGreaterThan(10)
    expect(rest.named.size).toBeLessThan(200)
    expect(encode(rest.named)?.length).toBeLessThan(4_096)
  })

  it('move by no more than a twentieth of the bytes, and the largest of them, for one placement', () => {
    const largest = Math.max(...many.map(({ files }) => files[0]?.size ?? 0))
    const total = many.reduce((sum, { files }) => sum + (files[0]?.size ?? 0), 0)
    expect(first.movedBytes).toBeGreaterThan(0.03 * total)
    expect(first.movedBytes).toBeLessThanOrEqual(0.05 * total + largest)
  })

  it('move by at most 1.2 shares when a member joins, and when one goes', async () => {
    const { named } = rest
    const joined = await settled(many, { members: gateways(101), named })
    expect(joined.after).toBeLessThanOrEqual(1.1)
    const share = 1 / 101
    expect(moved(many, rest.targets, joined.targets)).toBeLessThanOrEqual(1.2 * share)
    expect(moved(many, rest.targets, joined.targets)).toBeGreaterThan(0.7 * share)

    const left = await settled(many, { members: members.slice(1), named })
    expect(left.after).toBeLessThanOrEqual(1.1)
    const gone = moved(many, rest.targets, left.targets)
    expect(gone).toBeLessThanOrEqual(1.2 / 100 + 0.001)
  })

  it('are planned alike by everybody, whatever the order in which blocks and members came', async () => {
    const again = await lookAt(shuffled(many.slice(0, 3_000), 3), { members: shuffled(members, 4) })
    const one = await lookAt(many.slice(0, 3_000), { members })
    expect(encode(again.named)).toBe(encode(one.named))
    expect(one.moves).toBeGreaterThan(0)
  })
})

describe.each([
  [3, 500, 2],
  [10, 2_000, 3],
])('%i members, %i blocks, %i copies', (count, blocks, replicas) => {
  it.each([1, 2, 3])('come within the band, and stay as they are then, seed %i', async seed => {
    const some = sizedBlocks(blocks, seed)
    const layout = { members: gateways(count), replicas }
    const rest = await settled(some, layout)
    expect(rest.after).toBeLessThanOrEqual(1.1)
    for (const targets of rest.targets) expect(new Set(targets).size).toBe(replicas)
  })
})

describe('zones', () => {
  const zones = ['a', 'b', 'c']
  // One zone has a member more, and so less for each: no copy goes there.
  const members = gateways(13, zones)
  const zoneOf = new Map(members.map(({ id, zone }) => [id, zone]))

  it('have one copy each, before and after, and each is balanced for itself', async () => {
    const some = sizedBlocks(1_500, 4)
    const layout = { members, replicas: 3, zones }
    const first = await lookAt(some, layout)
    expect(first.before).toBeGreaterThan(1.1)
    const rest = await settled(some, layout)
    expect(rest.after).toBeLessThanOrEqual(1.1)
    for (const targets of rest.targets) expect(targets.map(id => zoneOf.get(id)).sort()).toEqual(zones)
    const loads = new Map(members.map(({ id }) => [id, 0]))
    for (const [n, targets] of rest.targets.entries()) {
      for (const id of targets) loads.set(id, (loads.get(id) ?? 0) + bytesOf(some[n] as BlockMeta))
    }
    for (const zone of zones) {
      const own = members.filter(member => member.zone === zone).map(({ id }) => loads.get(id) ?? 0)
      expect((Math.max(...own) * own.length) / own.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(1.1)
    }
  })
})

describe('what a plan leaves alone', () => {
  it('is everything, where all are within the band', async () => {
    const even = Array.from({ length: 3_000 }, (_, n) => sized(testId(n, 77 * n), 1_000))
    const { moves, before, named } = await lookAt(even, { members: gateways(3) })
    expect([before < 1.1, moves, named.size]).toEqual([true, 0, 0])
  })

  it('is a block that is too large for the band, where that would help nobody', async () => {
    const huge = [sized(testId(1), 1e9), ...Array.from({ length: 50 }, (_, n) => sized(testId(2 + n, n), 1_000))]
    const rest = await settled(huge, { members: gateways(3) })
    expect(rest.after).toBeGreaterThan(2)
    expect(rest.named.size).toBeLessThan(50)
  })

  it('is what may be named no more: then only names go', async () => {
    const some = sizedBlocks(2_000, 1)
    const { named, moves } = await lookAt(some, { members: gateways(30) }, { most: 3 })
    expect([named.size, moves]).toEqual([3, 3])
  })

  it('is nothing where there is no block at all', async () => {
    expect(await lookAt([], { members: gateways(2) })).toMatchObject({ moves: 0, before: 1, after: 1 })
  })
})

it('a name goes when its block may be where it would be without it', async () => {
  const even = Array.from({ length: 600 }, (_, n) => sized(testId(1_767_225_600_000 + n, 77 * n), 1_000))
  const members = gateways(3)
  const home = targetsOf(even, { members })
  const strangers = even.filter((_, n) => home[n]?.[0] === 'gw-2').slice(0, 80)
  const named = new Map(strangers.map(block => [keyOf(seedOf(block)), ['gw-1']]))
  expect((await lookAt(even, { members, named })).before).toBeGreaterThan(1.3)
  const rest = await settled(even, { members, named })
  expect(rest.named.size).toBeLessThan(40)
  expect([...rest.named.keys()].every(key => named.has(key))).toBe(true)
  expect(rest.after).toBeLessThanOrEqual(1.1)
})
