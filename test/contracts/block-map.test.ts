import { type BlockId, BlockMap } from 'blockgate'
import { fakeHost, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'

const MANY = 40_000
/** As Prometheus makes them, all of one instant, and all with one random part. */
const KINDS: readonly (readonly [string, (n: number) => BlockId])[] = [
  ['two hours apart', n => testId(n * 7_200_000, n * 0x9e3779b1)],
  ['of one instant', n => testId(1, n)],
  ['of one random part', n => testId(n)],
]

describe.each(KINDS)('a map of many blocks %s', (_, idOf) => {
  it('is a Map, but for its order', () => {
    const { random } = fakeHost()
    const map = new BlockMap<number>()
    const twin = new Map<BlockId, number>()
    for (let i = 0; i < MANY; i++) {
      const id = idOf(Math.floor(random() * MANY))
      if (random() < 0.2) expect(map.delete(id)).toBe(twin.delete(id))
      else {
        map.set(id, i)
        twin.set(id, i)
      }
    }
    for (let n = 0; n < MANY; n++) {
      expect(map.get(idOf(n))).toBe(twin.get(idOf(n)))
      expect(map.has(idOf(n))).toBe(twin.has(idOf(n)))
    }
    expect(map.size).toBe(twin.size)
    const sorted = <T>(items: Iterable<T>) => [...items].sort()
    expect(sorted(map.keys())).toEqual(sorted(twin.keys()))
    expect(sorted(map.values())).toEqual(sorted(twin.values()))
    expect(new Map(map)).toEqual(twin)
    const each = new Map<BlockId, number>()
    map.forEach((value, id) => void each.set(id, value))
    expect(each).toEqual(twin)
    map.clear()
    expect([map.size, [...map]]).toEqual([0, []])
  })
})

it('a map of few blocks keeps the order in which they came', () => {
  const map = new BlockMap<number>()
  map.set(testId(2), 2).set(testId(1), 1).set(testId(3), 3).set(testId(2), 4)
  expect([...map]).toEqual([
    [testId(2), 4],
    [testId(1), 1],
    [testId(3), 3],
  ])
})
