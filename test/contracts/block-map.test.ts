import { type BlockId, BlockMap, BlockSet } from 'blockgate'
import { fakeHost, testId } from 'blockgate/testing'
import { expect, it } from 'vitest'

const MANY = 40_000

/** As Prometheus makes them, all of one instant, and all with one random part. */
it.each<[kind: string, idOf: (n: number) => BlockId]>([
  ['two hours apart', n => testId(n * 7_200_000, n * 0x9e3779b1)],
  ['of one instant', n => testId(1, n)],
  ['of one random part', n => testId(n)],
])('a map of many blocks %s is a Map, but for its order', (_, idOf) => {
  const { random } = fakeHost()
  const map = new BlockMap<number>()
  const twin = new Map<BlockId, number>()
  for (let i = 0; i < MANY; i++) {
    const id = idOf(Math.floor(random() * MANY))
    if (random() < 0.2) expect(map.delete(id)).toBe(twin.delete(id))
    else for (const of of [map, twin]) of.set(id, i)
  }
  for (let n = 0; n < MANY; n++) {
    expect([map.get(idOf(n)), map.has(idOf(n))]).toEqual([twin.get(idOf(n)), twin.has(idOf(n))])
  }
  const sorted = <T>(items: Iterable<T>) => [...items].sort()
  expect(sorted(map.keys())).toEqual(sorted(twin.keys()))
  expect(sorted(map.values())).toEqual(sorted(twin.values()))
  const each = new Map<BlockId, number>()
  map.forEach((value, id) => void each.set(id, value))
  const copying = map.copying()
  let step = copying.next()
  while (!step.done) step = copying.next()
  expect([map.size, new Map(map), each, new Map(step.value)]).toEqual([twin.size, twin, twin, twin])
  map.clear()
  expect([map.size, [...map]]).toEqual([0, []])
})

it('a map of few blocks keeps the order in which they came', () => {
  const map = new BlockMap<number>()
  map.set(testId(2), 2).set(testId(1), 1).set(testId(3), 3).set(testId(2), 4)
  expect([...map.values()]).toEqual([4, 1, 3])
})

it('a set of many blocks is a Set, but for its order', () => {
  const { random } = fakeHost()
  const set = new BlockSet()
  const twin = new Set<BlockId>()
  for (let i = 0; i < 5_000; i++) {
    const id = testId(Math.floor(random() * 5_000))
    if (random() < 0.2) expect(set.delete(id)).toBe(twin.delete(id))
    else {
      set.add(id)
      twin.add(id)
    }
  }
  const sorted = <T>(items: Iterable<T>) => [...items].sort()
  expect([set.size, set.has(testId(9_999))]).toEqual([twin.size, false])
  for (const ids of [set, set.values(), new BlockSet(set)]) expect(sorted(ids)).toEqual(sorted(twin))
  expect(new Map(set.entries())).toEqual(new Map(twin.entries()))
  const each = new Set<BlockId>()
  set.forEach(id => void each.add(id))
  expect(each).toEqual(twin)
  const other = new Set([testId(1), testId(2), testId(9_999)])
  expect(set.union(other)).toEqual(twin.union(other))
  expect(set.intersection(other)).toEqual(twin.intersection(other))
  expect(sorted(set.difference(other))).toEqual(sorted(twin.difference(other)))
  expect(sorted(set.symmetricDifference(other))).toEqual(sorted(twin.symmetricDifference(other)))
  const told = (of: Set<BlockId>) => [of.isSubsetOf(other), of.isSupersetOf(other), of.isDisjointFrom(other)]
  expect(told(set)).toEqual(told(twin))
  set.clear()
  expect([set.size, [...set]]).toEqual([0, []])
})
