import type { BlockId, BlockMeta, Candidate, Selection } from 'blockgate'
import { dedup } from 'blockgate/plugins/filter/dedup'
import { candidate, fakeHost, runContext, testId, testStage } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'

const block = (n: number, sources: readonly number[], given: Partial<BlockMeta> = {}): Candidate =>
  candidate({ ulid: testId(n), compaction: { level: 1, sources: sources.map(s => testId(s)) }, ...given })

const select = async (list: readonly Candidate[]): Promise<readonly Selection[]> => dedup().select(list, runContext())

/** The numbers of the blocks that go on, in the order of the answer. */
const survivors = async (list: readonly Candidate[]) => {
  const going = (await select(list)).flatMap(({ id, skip }) => (skip === undefined ? [id] : []))
  return going.map(id => list.find(b => b.meta.ulid === id)).map(b => numberOf(b?.meta.ulid))
}
const numberOf = (id: BlockId | undefined) => Array.from({ length: 100 }, (_, n) => n).find(n => testId(n) === id)

testStage({ describe, it }, { name: 'dedup', factory: () => dedup() })

type Row = readonly [n: number, sources: readonly number[], resolution?: number]

describe('the table of Thanos, in its order', () => {
  it.each<[rows: readonly Row[], going: readonly number[]]>([
    [
      [
        [1, [1]],
        [2, [2]],
        [3, [3]],
      ],
      [1, 2, 3],
    ],
    [
      [
        [6, [6]],
        [4, [1, 3, 2]],
        [5, [5]],
      ],
      [6, 4, 5],
    ],
    [
      [
        [5, [5]],
        [6, [6]],
        [3, [1, 2]],
        [4, [1, 2]],
      ],
      [5, 6, 3],
    ],
    [
      [
        [4, [1, 2]],
        [6, [6]],
        [5, [1, 3, 2]],
      ],
      [6, 5],
    ],
    [
      [
        [6, [6]],
        [1, [1]],
        [2, [2]],
        [3, [3]],
        [4, [2, 1, 3]],
      ],
      [6, 4],
    ],
    [
      [
        [10, [1, 2, 3]],
        [11, [6, 4, 5]],
        [14, [14]],
        [1, [1]],
        [13, [1, 2, 3, 4, 5, 6, 7, 8, 9]],
        [12, [7, 9, 8]],
      ],
      [14, 13],
    ],
    [
      [
        [8, [1, 3, 2, 4]],
        [1, [1]],
        [5, [1, 2]],
        [6, [1, 3, 2, 4]],
        [7, [3, 1, 2]],
      ],
      [6],
    ],
    [
      [
        [10, [1, 2, 6, 7]],
        [1, [1]],
        [11, [6, 8, 1, 2]],
      ],
      [10, 11],
    ],
    [
      [
        [10, [6, 7, 1, 2]],
        [1, [1]],
        [5, [1, 2]],
        [11, [2, 3, 1]],
      ],
      [10, 11],
    ],
    [
      [
        [1, [1], 0],
        [2, [1], 1000],
        [3, [1], 10_000],
      ],
      [1, 2, 3],
    ],
    [
      [
        [1, [1], 0],
        [6, [6], 10_000],
        [4, [1, 3, 2], 0],
        [5, [2, 3, 1], 1000],
      ],
      [6, 4, 5],
    ],
    [
      [
        [10, [7, 5, 1, 2], 0],
        [12, [6, 7, 1], 10_000],
        [1, [1], 0],
        [13, [1], 10_000],
        [5, [1, 2], 0],
        [11, [2, 3, 1], 0],
      ],
      [10, 12, 11],
    ],
  ])('%j', async (rows, going) => {
    const list = rows.map(([n, sources, resolution = 0]) => block(n, sources, { resolution }))
    expect(await survivors(list)).toEqual(going)
    expect(await survivors([...list].reverse())).toEqual([...going].reverse())
  })
})

it('a skipped block is a duplicate, superseded by the block that covers it', async () => {
  expect(await select([block(1, [1]), block(9, [1, 2]), block(3, [3])])).toEqual([
    { id: testId(1), skip: 'duplicate', supersededBy: testId(9) },
    { id: testId(9) },
    { id: testId(3) },
  ])
})

it('several blocks together never cover one', async () => {
  expect(await survivors([block(5, [1, 2]), block(6, [3, 4]), block(7, [2, 3])])).toEqual([5, 6, 7])
})

it('a block without sources goes where the group has another, and stays alone', async () => {
  expect(await survivors([block(1, []), block(2, [2])])).toEqual([2])
  expect(await survivors([block(2, []), block(1, [])])).toEqual([1])
  expect(await survivors([block(1, [])])).toEqual([1])
})

it('blocks with other external labels are no duplicates, in whatever order the labels stand', async () => {
  const ab = { labels: { a: '1', b: '2' } }
  const ba = { labels: { b: '2', a: '1' } }
  expect(await survivors([block(1, [1], ab), block(2, [1, 2], ba)])).toEqual([2])
  expect(await survivors([block(1, [1], ab), block(2, [1, 2], { labels: { a: '1' } })])).toEqual([1, 2])
  expect(
    await survivors([block(1, [1], { labels: { a: 'b' } }), block(2, [1, 2], { labels: { 'a":"b': '' } })]),
  ).toEqual([1, 2])
})

/** Thanos' algorithm as it is written, comparing each block with every accepted one. */
function naive(list: readonly Candidate[]): readonly Selection[] {
  const groups = new Map<string, BlockMeta[]>()
  for (const { meta } of list) {
    const key = `${meta.resolution}@${Object.entries(meta.labels).sort().join()}`
    groups.set(key, [...(groups.get(key) ?? []), meta])
  }
  const coveredBy = new Map<BlockId, BlockId>()
  for (const group of groups.values()) {
    const sorted = group.sort(
      (a, b) => b.compaction.sources.length - a.compaction.sources.length || (a.ulid < b.ulid ? -1 : 1),
    )
    const covering: BlockMeta[] = []
    for (const child of sorted) {
      const has = (parent: BlockMeta) => child.compaction.sources.every(s => parent.compaction.sources.includes(s))
      const parent = covering.find(has)
      if (parent) coveredBy.set(child.ulid, parent.ulid)
      else covering.push(child)
    }
  }
  return list.map(({ meta: { ulid } }) => {
    const supersededBy = coveredBy.get(ulid)
    return supersededBy === undefined ? { id: ulid } : { id: ulid, skip: 'duplicate', supersededBy }
  })
}

it('answers as the algorithm that compares every pair, over random sets of blocks', async () => {
  const host = fakeHost({ seed: 11 })
  const random = (limit: number) => Math.floor(host.random() * limit)
  let duplicates = 0
  for (let round = 0; round < 400; round++) {
    const spread = 2 + random(12)
    const list = Array.from({ length: random(30) }, (_, i) => {
      const sources = Array.from({ length: random(6) }, () => random(spread))
      const labels: Record<string, string> = random(3) === 0 ? { a: String(random(2)) } : {}
      return block((i * 7919) % 1009, sources, { resolution: random(2) * 1000, labels })
    })
    const expected = naive(list)
    duplicates += expected.filter(s => s.skip !== undefined).length
    expect(await select(list)).toEqual(expected)
  }
  expect(duplicates).toBeGreaterThan(1000)
})

it('50,000 blocks of one group, each with a source of its own, are compared with no other', async () => {
  const list = Array.from({ length: 50_000 }, (_, n) => {
    const every = (): never => {
      throw new Error(`the sources of block ${n} were compared`)
    }
    const sources = Object.assign([testId(n)], { every })
    return candidate({ ulid: testId(n), compaction: { level: 1, sources } })
  })
  const answer = await select(list)
  expect(answer.every(({ skip }) => skip === undefined)).toBe(true)
})
