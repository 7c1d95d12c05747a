// Listing side by side: every block once and whole, whatever lies in the bucket, and in how few rounds of requests.
import type { BlockId, Bucket } from 'blockgate'
import { memoryBucket } from 'blockgate/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ListedBlock } from '../../../plugins/source/scan-bucket/listed.ts'
import { boundary, middle, rangesOf, timeOf } from '../../../plugins/source/scan-bucket/ranges.ts'
import { listSideBySide } from '../../../plugins/source/scan-bucket/side-by-side.ts'

const { signal } = new AbortController()
const NOW = Date.UTC(2026, 10, 30)
const DAY = 86_400_000
const ulid = (time: number, n: number) => `${boundary(time)}${n.toString().padStart(16, '0')}`
const filesOf = (id: string) => ['chunks/000001', 'index', 'meta.json'].map(name => `${id}/${name}`)

async function bucketOf(keys: readonly string[], pageSize: number): Promise<Bucket> {
  const bucket = memoryBucket({ pageSize })
  for (const key of keys) await bucket.put(key, new Uint8Array(), { signal })
  return bucket
}

interface Listed {
  readonly blocks: readonly ListedBlock[]
  readonly requests: number
  /** Rounds in which all requests of the listing that can be made at once are made at once. */
  readonly rounds: number
}

async function listed(
  bucket: Bucket,
  { known = [] as readonly string[], concurrency = 8, fullPage = 2, splits = { areKnown: true }, deaf = false } = {},
): Promise<Listed> {
  let requests = 0
  let rounds = 0
  let waiting: (() => void)[] = []
  const list = async (prefix: string, cursor: string | undefined, delimiter?: '/', after?: string) => {
    requests++
    await new Promise<void>(resolve => {
      if (waiting.length === 0) {
        // Whoever comes while others come is in their round.
        void (async () => {
          for (let i = 0; i < 200; i++) await Promise.resolve()
          rounds++
          const all = waiting
          waiting = []
          for (const each of all) each()
        })()
      }
      waiting.push(resolve)
    })
    return await bucket.list(prefix, { cursor, signal, ...(delimiter && { delimiter }), ...(!deaf && { after }) })
  }
  const blocks: ListedBlock[] = []
  const ids = known as readonly BlockId[]
  const options = { list, concurrency, now: NOW, known: { ids, count: ids.length }, splits, fullPage }
  for await (const batch of listSideBySide(options)) blocks.push(...batch)
  return { blocks, requests, rounds }
}

/** The blocks of `keys`, as one page after another shows them. */
const shape = (blocks: readonly ListedBlock[]) =>
  blocks
    .map(({ id, files, meta, misnamed }) => [id, files.map(({ path }) => path), meta?.key, misnamed])
    .sort((a, b) => (String(a) < String(b) ? -1 : 1))

describe('listing side by side', () => {
  const time = fc.oneof(
    fc.integer({ min: 0, max: 40 }).map(days => NOW - days * DAY),
    fc.integer({ min: -5, max: 5 }).map(ms => NOW - 20 * DAY + ms),
    fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  )
  const odd = fc.constantFrom(
    '0abc',
    '01',
    '7ZZZZZZZZZ/x',
    '01HZZZZZZZZZZZZZZZZZZZZZZZ',
    `${ulid(NOW, 7).toLowerCase()}/meta.json`,
    'debug/metas/a.json',
    '!',
    boundary(NOW - 20 * DAY),
  )

  it('gives every block once and whole, also where the store knows no `after`', async () => {
    const property = fc.asyncProperty(
      fc.array(fc.tuple(time, fc.integer({ min: 0, max: 3 })), { maxLength: 40 }),
      fc.array(odd, { maxLength: 4 }),
      fc.integer({ min: 1, max: 7 }),
      fc.integer({ min: 1, max: 5 }),
      fc.boolean(),
      async (times, odds, pageSize, concurrency, deaf) => {
        const ids = [...new Set(times.map(([at, n]) => ulid(at, n)))]
        const bucket = await bucketOf([...new Set([...ids.flatMap(filesOf), ...odds])], pageSize)
        const one = await listed(await bucketOf([...new Set([...ids.flatMap(filesOf), ...odds])], 1000))
        expect(one.requests).toBe(1)
        const { blocks } = await listed(bucket, { concurrency, deaf })
        expect(shape(blocks)).toEqual(shape(one.blocks))
        expect(
          blocks
            .filter(({ misnamed }) => misnamed === undefined)
            .map(({ id }) => id)
            .sort(),
        ).toEqual(ids.sort())
        const firstBad = blocks.findIndex(({ misnamed }) => misnamed !== undefined)
        if (firstBad >= 0) expect(blocks.slice(firstBad).every(({ misnamed }) => misnamed !== undefined)).toBe(true)
      },
    )
    await fc.assert(property, { numRuns: 150 })
  })

  const even = Array.from({ length: 600 }, (_, i) => ulid(NOW - (600 - i) * (DAY / 10), i))
  /** Half of them are of the last day. */
  const skewed = Array.from({ length: 600 }, (_, i) => ulid(NOW - Math.floor(60 * DAY * 0.97 ** i), i))

  it.each([
    ['spread evenly', even, 20],
    ['mostly new', skewed, 40],
  ])(
    'takes a fraction of the rounds for a bucket of 180 pages, %s, of which nothing is known',
    async (_, ids, most) => {
      const bucket = await bucketOf(ids.flatMap(filesOf), 10)
      const { rounds, requests, blocks } = await listed(bucket, { concurrency: 32 })
      expect(blocks).toHaveLength(600)
      expect(rounds).toBeLessThanOrEqual(most)
      expect(requests).toBeLessThanOrEqual(180 * 1.4)
    },
  )

  it('asks for nothing more than before in a bucket of a few pages, and where pages are short', async () => {
    const few = await bucketOf(even.slice(-20).flatMap(filesOf), 30)
    expect((await listed(few, { fullPage: 30 })).requests).toBe(2)
    // Four pages, of which earlier runs have seen so many blocks.
    const known = await bucketOf(even.slice(-300).flatMap(filesOf), 250)
    expect((await listed(known, { known: even.slice(-300), fullPage: 100 })).requests).toBe(4)
    const grown = await bucketOf(even.flatMap(filesOf), 10)
    const { rounds, requests } = await listed(grown, { known: even.slice(-300), concurrency: 32 })
    expect([rounds < 30, requests < 180 * 1.4]).toEqual([true, true])
    const short = await bucketOf(even.flatMap(filesOf), 10)
    expect(await listed(short, { fullPage: 500 })).toMatchObject({ requests: 180, rounds: 180 })
  })

  it('remembers a store that knows no `after`, and asks it for one page after another', async () => {
    const splits = { areKnown: true }
    const bucket = await bucketOf(even.flatMap(filesOf), 10)
    await listed(bucket, { splits, deaf: true })
    expect(splits.areKnown).toBe(false)
    expect(await listed(bucket, { splits, deaf: true, known: even })).toMatchObject({ requests: 180, rounds: 180 })
  })

  it('does not list twice what could not be read far behind the last object of a page', async () => {
    const bucket = await bucketOf(even.flatMap(filesOf), 10)
    const late = `${even[450]}/meta.json`
    const first = new Set<string | undefined>()
    const list = async (prefix: string, cursor: string | undefined, _?: '/', after?: string) => {
      const page = await bucket.list(prefix, { cursor, after, signal })
      const shows = first.size < 2 || page.objects.some(({ key }) => key.startsWith(even[450] ?? ''))
      first.add(cursor)
      return shows && cursor !== undefined
        ? { ...page, unreadable: [{ key: late, error: new Error('encoded wrongly') }] }
        : page
    }
    const ids: readonly BlockId[] = []
    const options = {
      list,
      concurrency: 8,
      now: NOW,
      known: { ids, count: 0 },
      splits: { areKnown: true },
      fullPage: 2,
    }
    // A store that shows it early breaks the order of its keys, and that is told.
    await expect(Array.fromAsync(listSideBySide(options))).rejects.toThrow('a listing must be in key order')
  })

  it('ends with the error of a page, and leaves no request behind', async () => {
    let under = 0
    let pages = 0
    const bucket = await bucketOf(even.flatMap(filesOf), 10)
    const list = async (prefix: string, cursor: string | undefined, _?: '/', after?: string) => {
      under++
      const page = ++pages
      // The others take longer than the one that fails.
      for (let i = 0; page !== 30 && i < 500; i++) await Promise.resolve()
      under--
      if (page === 30) throw new Error('broken')
      return await bucket.list(prefix, { cursor, after, signal })
    }
    const options = {
      list,
      concurrency: 8,
      now: NOW,
      known: { ids: [], count: 0 },
      splits: { areKnown: true },
      fullPage: 2,
    }
    await expect(Array.fromAsync(listSideBySide(options))).rejects.toThrow('broken')
    expect(under).toBe(0)
  })
})

describe('parts of a bucket', () => {
  it('have equally many of the known blocks, and cover everything', () => {
    const known = Array.from({ length: 20_000 }, (_, i) => ulid(NOW - Math.floor(1000 * DAY * 0.9995 ** i), i))
    const ranges = rangesOf(
      known.toSorted(() => 0),
      known.length,
      16,
    )
    expect(ranges).toHaveLength(16)
    expect([ranges[0]?.after, ranges.at(-1)?.until]).toEqual([undefined, undefined])
    for (const [i, range] of ranges.entries()) {
      if (i > 0) expect(range.after).toBe(ranges[i - 1]?.until)
      const inside = known.filter(
        id => (!range.after || id > range.after) && (!range.until || id <= range.until),
      ).length
      expect(inside).toBeGreaterThan(1000)
      expect(inside).toBeLessThan(1500)
    }
  })

  it('are one where few are known, or all are of one time', () => {
    expect(rangesOf(['a'], 1300, 16)).toEqual([{ after: undefined, until: undefined, pages: 10 }])
    expect(rangesOf([], 0, 16)).toEqual([{ after: undefined, until: undefined, pages: 2 }])
    const same = Array.from({ length: 3000 }, (_, i) => ulid(NOW, i))
    expect(rangesOf(same, 3000, 16)).toHaveLength(2)
  })

  it('are divided in the middle of what is left, behind the last block that was seen', () => {
    const key = (time: number) => `${ulid(time, 1)}/index`
    const all = { until: undefined }
    expect(middle(all, key(0), key(100), 1100)).toBe(boundary(600))
    expect(middle({ until: boundary(700) }, key(0), key(100), 1100)).toBe(boundary(400))
    // Less than two such pages are left.
    expect(middle(all, key(0), key(400), 1100)).toBeUndefined()
    expect(middle(all, key(100), key(100), 101)).toBeUndefined()
    expect(middle(all, key(2000), key(2000), 1100)).toBeUndefined()
    expect(middle(all, 'debug/a', key(100), 1100)).toBeUndefined()
    expect(middle(all, undefined, undefined, 1100)).toBeUndefined()
  })

  it('are told apart by times as ULIDs begin with them', () => {
    expect([boundary(0), boundary(31), boundary(32), boundary(2 ** 48 - 1)]).toEqual([
      '0000000000',
      '000000000Z',
      '0000000010',
      '7ZZZZZZZZZ',
    ])
    expect(timeOf(`${ulid(1_790_000_000_123, 5)}/index`)).toBe(1_790_000_000_123)
    expect(timeOf(ulid(NOW, 1))).toBeUndefined()
  })
})
