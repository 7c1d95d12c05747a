import type { Bucket, Candidate, SetStage } from 'blockgate'
import { memory } from 'blockgate/plugins/bucket/memory'
import { parquetConverted } from 'blockgate/plugins/filter/parquet-converted'
import { candidate, fakeHost, runContext, testId, testStage } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { problemsOf } from './verdict.ts'

testStage(
  { describe, it },
  {
    name: 'parquet-converted',
    factory: () => parquetConverted({ bucket: memory() }),
    invalid: [() => parquetConverted({ bucket: undefined }), () => parquetConverted({ bucket: {} as never })],
  },
)

const DAY = 86_400_000
const { signal } = new AbortController()

/** A message with a number, a map and a fixed64 before the ids, as a converter may write it. */
function metaPb(...ids: readonly string[]): Uint8Array {
  const fields = ids.flatMap(id => [0x32, id.length, ...new TextEncoder().encode(id)])
  return Uint8Array.from([
    0x08,
    0xff,
    0xff,
    0xff,
    0xff,
    0xff,
    0xff,
    0xff,
    0xff,
    0xff,
    0x01,
    0x22,
    2,
    0x0a,
    0,
    0x39,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    ...fields,
  ])
}

async function started(bucket: Bucket): Promise<SetStage> {
  const stage = parquetConverted({ bucket })
  await stage.start?.({ host: fakeHost() } as never, signal)
  return stage
}

const block = (n: number, fromDay: number, toDay: number): Candidate =>
  candidate({ ulid: testId(n), minTime: fromDay * DAY, maxTime: toDay * DAY })

/** The numbers of the blocks that are skipped. */
async function skipped(stage: SetStage, blocks: readonly Candidate[]): Promise<readonly number[]> {
  const selections = await stage.select(blocks, runContext())
  expect(selections.map(({ id }) => id)).toEqual(blocks.map(({ meta }) => meta.ulid))
  expect(new Set(selections.map(({ skip }) => skip))).not.toContain('')
  return selections.flatMap(({ skip }, i) => (skip === 'parquet-converted' ? [i] : []))
}

async function bucketOf(files: Readonly<Record<string, readonly number[]>>): Promise<Bucket> {
  const bucket = memory()
  for (const [key, numbers] of Object.entries(files))
    await bucket.put(key, metaPb(...numbers.map(n => testId(n))), { signal })
  return bucket
}

describe('parquetConverted()', () => {
  it('skips a block that its day names, whatever the folder before it', async () => {
    const stage = await started(
      await bucketOf({ '1970/01/02/meta.pb': [1], '123/1970/01/02/meta.pb': [2, 3], 'a/b/1970-1-2/meta.pb': [4] }),
    )
    const blocks = [1, 2, 3, 4, 5].map(n => block(n, 1 + n / 10, 1.9))
    expect(await skipped(stage, blocks)).toEqual([0, 1, 2, 3])
  })

  it.each<[what: string, from: number, to: number, isSkipped: boolean]>([
    ['two of its days, from midnight to midnight', 1, 3, true],
    ['a day before the first that was converted', 0.99, 2, false],
    ['a moment of the third day', 1, 3 + 1 / DAY, false],
    ['days between that were not converted', 1, 6, false],
    ['one moment', 2, 2, true],
    ['one moment of another day', 3, 3, false],
  ])('%s', async (_, from, to, isSkipped) => {
    const stage = await started(
      await bucketOf({ '1970/01/02/meta.pb': [1], '1970/01/03/meta.pb': [1, 2], '1970/01/06/meta.pb': [1] }),
    )
    expect(await skipped(stage, [block(1, from, to)])).toEqual(isSkipped ? [0] : [])
  })

  it.each(['1970/01/02/parts/00-02/meta.pb', '1970/01/02/meta.pb.tmp', 'x1970/01/02/meta.pb', 'meta.pb'])(
    'takes no notice of %s',
    async key => {
      expect(await skipped(await started(await bucketOf({ [key]: [1] })), [block(1, 1, 2)])).toEqual([])
    },
  )

  it('reads a file again only where it has changed, and forgets one that is gone', async () => {
    const bucket = await bucketOf({ '1970/01/02/meta.pb': [1], '1970/01/03/meta.pb': [2] })
    const read: string[] = []
    const get: Bucket['get'] = (key, options) => {
      read.push(key)
      return bucket.get(key, options)
    }
    const stage = await started({ ...bucket, get })
    const blocks = [block(1, 1, 2), block(2, 2, 3), block(3, 1, 2)]
    expect([await skipped(stage, blocks), read.splice(0)]).toEqual([
      [0, 1],
      ['1970/01/02/meta.pb', '1970/01/03/meta.pb'],
    ])
    expect([await skipped(stage, blocks), read.splice(0)]).toEqual([[0, 1], []])
    await bucket.put('1970/01/02/meta.pb', metaPb(testId(3)), { signal })
    await bucket.delete('1970/01/03/meta.pb', { signal })
    expect([await skipped(stage, blocks), read.splice(0)]).toEqual([[2], ['1970/01/02/meta.pb']])
  })

  it.each<[what: string, bytes: readonly number[]]>([
    ['a text that is cut', [0x32, 26, 48]],
    ['a number that never ends', Array(11).fill(0xff)],
    ['an id that is none', [0x32, 1, 48]],
    ['a type that nobody knows', [0x0b]],
    ['no UTF-8', [0x32, 1, 0xff]],
  ])('ends the run for %s', async (_, bytes) => {
    const bucket = memory()
    await bucket.put('1970/01/02/meta.pb', Uint8Array.from(bytes), { signal })
    const stage = await started(bucket)
    await expect(stage.select([block(1, 1, 2)], runContext())).rejects.toThrow(
      '1970/01/02/meta.pb: must be the metadata of a parquet block, with ULIDs in field 6',
    )
  })

  it('ends the run where the bucket cannot be read', async () => {
    const list = () => Promise.reject(new Error('away'))
    const stage = await started({ ...memory(), list })
    await expect(stage.select([block(1, 1, 2)], runContext())).rejects.toThrow('away')
  })

  it('tells what is wrong with its bucket', () => {
    expect(problemsOf(parquetConverted({ bucket: memory({ prefix: '/a' }) }))).toEqual([
      "bucket.prefix must have no empty segment, and no '/' at either end",
    ])
  })
})
