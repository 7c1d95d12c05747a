import { type BlockId, BlockMap } from 'blockgate'
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
  expect([map.size, new Map(map), each]).toEqual([twin.size, twin, twin])
  map.clear()
  expect([map.size, [...map]]).toEqual([0, []])
})

it('a map of few blocks keeps the order in which they came', () => {
  const map = new BlockMap<number>()
  map.set(testId(2), 2).set(testId(1), 1).set(testId(3), 3).set(testId(2), 4)
  expect([...map.values()]).toEqual([4, 1, 3])
})
