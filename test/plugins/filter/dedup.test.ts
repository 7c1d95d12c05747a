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

/** `4:1,3,2@1000`: block 4, made of the sources 1, 3 and 2, at the resolution 1000. */
const parseRow = (row: string) => {
  const [, n, sources = '', resolution = 0] = /^(\d+):([\d,]+)(?:@(\d+))?$/.exec(row) ?? []
  return block(Number(n), sources.split(',').map(Number), { resolution: Number(resolution) })
}

it.each([
  ['1:1 2:2 3:3', [1, 2, 3]],
  ['6:6 4:1,3,2 5:5', [6, 4, 5]],
  ['5:5 6:6 3:1,2 4:1,2', [5, 6, 3]],
  ['4:1,2 6:6 5:1,3,2', [6, 5]],
  ['6:6 1:1 2:2 3:3 4:2,1,3', [6, 4]],
  ['10:1,2,3 11:6,4,5 14:14 1:1 13:1,2,3,4,5,6,7,8,9 12:7,9,8', [14, 13]],
  ['8:1,3,2,4 1:1 5:1,2 6:1,3,2,4 7:3,1,2', [6]],
  ['10:1,2,6,7 1:1 11:6,8,1,2', [10, 11]],
  ['10:6,7,1,2 1:1 5:1,2 11:2,3,1', [10, 11]],
  ['1:1 2:1@1000 3:1@10000', [1, 2, 3]],
  ['1:1 6:6@10000 4:1,3,2 5:2,3,1@1000', [6, 4, 5]],
  ['10:7,5,1,2 12:6,7,1@10000 1:1 13:1@10000 5:1,2 11:2,3,1', [10, 12, 11]],
])("of %s these stay, as in Thanos' own table: %j", async (rows, going) => {
  const list = rows.split(' ').map(parseRow)
  expect(await survivors(list)).toEqual(going)
  expect(await survivors(list.toReversed())).toEqual(going.toReversed())
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
        const compaction = { level: 2, sources: [testId(50)] }
        const text = JSON.stringify({ ulid, version: 1, minTime: 0, maxTime: 9, compaction, thanos: extra })
        return candidate(parseMeta(new TextEncoder().encode(text), ulid).meta)
      }),
    )
  const part = (partition_id: number, more: object = {}) => ({
    extensions: { partition_info: { partition_count: 4, partition_id, ...more }, time_range: 7_200_000 },
  })

  it.each<[name: string, thanos: readonly object[], going: readonly number[]]>([
    ['four parts of one Cortex compaction are four blocks', [part(0), part(1), part(2), part(3)], [1, 2, 3, 4]],
    ['a part is no duplicate of the whole', [part(0), {}], [1, 2]],
    ['the whole is none of a part', [{}, part(0)], [1, 2]],
    ['a part of four is none of a part of two', [part(0), part(0, { partition_count: 2 })], [1, 2]],
    [
      'the same part is one block, whatever the order of the keys and the group it was made in',
      [
        part(1),
        {
          extensions: {
            time_range: 86_400_000,
            partition_info: {
              ...{ partitioned_group_id: 9, partition_id: 1 },
              ...{ partitioned_group_creation_time: 5, partition_count: 4 },
            },
          },
        },
      ],
      [1],
    ],
    [
      'the only part of one is the whole',
      [{}, part(0, { partition_count: 1 }), { extensions: null }, { extensions: {}, rewrites: [] }],
      [1],
    ],
  ])('%s', async (_, thanos, going) => {
    expect(await parsed(...thanos)).toEqual(going)
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
  const going = (a: Record<string, string>, b: Record<string, string>) =>
    survivors([block(1, [1], { labels: a }), block(2, [1, 2], { labels: b })])
  expect(await going({ a: '1', b: '2' }, { b: '2', a: '1' })).toEqual([2])
  expect(await going({ a: '1', b: '2' }, { a: '1' })).toEqual([1, 2])
  expect(await going({ a: 'b' }, { 'a":"b': '' })).toEqual([1, 2])
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

it('50,000 blocks of one group, each with a source of its own beside one of all, are compared with no other', async () => {
  const sources = [(n: number) => [n], (n: number) => [n, 50_000], (n: number) => [50_000, n]]
  const list = Array.from({ length: 50_000 }, (_, n) => block(n, sources[n % 3]?.(n) ?? []))
  const has = vi.spyOn(Set.prototype, 'has').mockImplementation(() => {
    throw new Error('sources were compared')
  })
  try {
    expect((await select(list)).every(({ skip }) => skip === undefined)).toBe(true)
  } finally {
    has.mockRestore()
  }
})
