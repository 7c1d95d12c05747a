import type { BlockId, BlockMeta, Candidate, Selection } from 'blockgate'
import { dedup } from 'blockgate/plugins/filter/dedup'
import { candidate, fakeHost, runContext, testId, testStage } from 'blockgate/testing'
import { parseMeta } from 'blockgate/tsdb'
import { describe, expect, it, vi } from 'vitest'

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

it('a block without sources holds nobody and is held by nobody', async () => {
  expect(await survivors([block(1, []), block(2, [2])])).toEqual([1, 2])
  expect(await survivors([block(2, []), block(1, [])])).toEqual([2, 1])
})

it('a block that does not span the time of another one does not hold it, whatever its sources', async () => {
  const day = { minTime: 0, maxTime: 10 }
  for (const other of [
    { minTime: -1, maxTime: 5 },
    { minTime: 5, maxTime: 11 },
    { minTime: 20, maxTime: 30 },
  ]) {
    expect(await survivors([block(1, [1], other), block(2, [1, 2], day)])).toEqual([1, 2])
    expect(await survivors([block(2, [1], other), block(1, [1], day)])).toEqual([2, 1])
  }
  expect(await survivors([block(1, [1], day), block(2, [1, 2], day)])).toEqual([2])
})

it('of equal sources the block with the longer time stays, whichever ULID is smaller', async () => {
  const short = { minTime: 2, maxTime: 8 }
  const long = { minTime: 0, maxTime: 10 }
  expect(await survivors([block(1, [1], short), block(2, [1], long)])).toEqual([2])
  expect(await survivors([block(1, [1], long), block(2, [1, 1], short)])).toEqual([1])
})

describe('what tells equal sources apart', () => {
  const parsed = async (...thanos: readonly object[]) =>
    survivors(
      thanos.map((extra, n) => {
        const ulid = testId(n + 1)
        const json = {
          ulid,
          version: 1,
          minTime: 0,
          maxTime: 9,
          compaction: { level: 2, sources: [testId(50)] },
          thanos: extra,
        }
        return candidate(parseMeta(new TextEncoder().encode(JSON.stringify(json)), ulid).meta)
      }),
    )
  const part = (partition_id: number, more: object = {}) => ({
    extensions: { partition_info: { partition_count: 4, partition_id, ...more }, time_range: 7_200_000 },
  })

  it('four parts of one Cortex compaction are four blocks', async () => {
    expect(await parsed(part(0), part(1), part(2), part(3))).toEqual([1, 2, 3, 4])
  })

  it('a part is no duplicate of the whole, and the whole none of a part', async () => {
    expect(await parsed(part(0), {})).toEqual([1, 2])
    expect(await parsed({}, part(0))).toEqual([1, 2])
    expect(await parsed(part(0), part(0, { partition_count: 2 }))).toEqual([1, 2])
  })

  it('the same part is one block, whatever the order of the keys and the group it was made in', async () => {
    const turned = {
      extensions: {
        time_range: 86_400_000,
        partition_info: {
          partitioned_group_id: 9,
          partition_id: 1,
          partitioned_group_creation_time: 5,
          partition_count: 4,
        },
      },
    }
    expect(await parsed(part(1), turned)).toEqual([1])
  })

  it('the only part of one is the whole', async () => {
    expect(
      await parsed({}, part(0, { partition_count: 1 }), { extensions: null }, { extensions: {}, rewrites: [] }),
    ).toEqual([1])
  })

  it.each([
    [{ extensions: { shard: 1 } }, { extensions: { shard: 2 } }],
    [{ extensions: { shard: { deep: [1] } } }, {}],
    [{ extensions: 'a' }, { extensions: 'b' }],
    [{ rewrites: [{ deletions_applied: [{ matchers: 'x' }] }] }, {}],
    [{ labels: { __compactor_shard_id__: '1_of_2' } }, { labels: { __compactor_shard_id__: '2_of_2' } }],
    [{ extensions: JSON.parse('{"__proto__":1}') }, {}],
  ])('%j and %j are two blocks', async (a, b) => {
    expect(await parsed(a, b)).toEqual([1, 2])
    expect(await parsed(a, a)).toEqual([1])
  })
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

/** As the README says it, with no regard to speed. */
function holds({ meta: parent }: Candidate, { meta: child }: Candidate): boolean {
  const alike = ({ resolution, labels, variant }: BlockMeta) =>
    JSON.stringify([resolution, Object.entries(labels).sort(), variant])
  return (
    child.compaction.sources.length > 0 &&
    child.compaction.sources.every(s => parent.compaction.sources.includes(s)) &&
    parent.minTime <= child.minTime &&
    parent.maxTime >= child.maxTime &&
    alike(parent) === alike(child)
  )
}

it('over random sets of blocks: who is skipped is held by the block that is named, who stays is held by nobody that stays', async () => {
  const host = fakeHost({ seed: 11 })
  const random = (limit: number) => Math.floor(host.random() * limit)
  let duplicates = 0
  for (let round = 0; round < 600; round++) {
    const spread = 2 + random(8)
    const list = Array.from({ length: random(30) }, (_, i) => {
      const sources = Array.from({ length: random(6) }, () => random(spread))
      const labels: Record<string, string> = random(3) === 0 ? { a: String(random(2)) } : {}
      const minTime = random(3)
      const variant = random(4) === 0 ? String(random(2)) : undefined
      const maxTime = minTime + random(4)
      return block((i * 7919) % 1009, sources, { resolution: random(2) * 1000, labels, minTime, maxTime, variant })
    })
    const answer = await select(list)
    expect(answer.map(s => s.id)).toEqual(list.map(b => b.meta.ulid))
    const byId = new Map(list.map(b => [b.meta.ulid, b]))
    const stays = new Set(answer.filter(s => s.skip === undefined).map(s => s.id))
    for (const { id, skip, supersededBy } of answer) {
      const child = byId.get(id) as Candidate
      if (skip === undefined) {
        expect(list.filter(b => b !== child && stays.has(b.meta.ulid) && holds(b, child))).toEqual([])
        continue
      }
      duplicates++
      expect(stays).toContain(supersededBy)
      expect(holds(byId.get(supersededBy as BlockId) as Candidate, child)).toBe(true)
    }
  }
  expect(duplicates).toBeGreaterThan(1000)
})

it('50,000 blocks of one group, each with a source of its own, are compared with no other', async () => {
  const list = Array.from({ length: 50_000 }, (_, n) => block(n, [n]))
  const has = vi.spyOn(Set.prototype, 'has').mockImplementation(() => {
    throw new Error('sources were compared')
  })
  try {
    expect((await select(list)).every(({ skip }) => skip === undefined)).toBe(true)
  } finally {
    has.mockRestore()
  }
})
