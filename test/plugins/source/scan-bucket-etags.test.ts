import type { ObjectInfo } from 'blockgate'
import { memoryBucket, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { type Harness, harness, metaJson } from './scan-harness.ts'

const IDS = [1, 2, 3, 4, 5].map(n => testId(n))
const NOW = 1_700_000_000_000

type Change = (info: ObjectInfo, times: number) => ObjectInfo

/** Five blocks behind a proxy that changes what the listing, and what a GET says of an object. */
async function behindProxy(listed: Change, got: Change = listed, now = () => NOW) {
  const store = memoryBucket({ host: { now } })
  let times = 0
  const proxied = {
    ...store,
    async list(...args: Parameters<typeof store.list>) {
      const page = await store.list(...args)
      times++
      return { ...page, objects: page.objects.map(info => listed(info, times)) }
    },
    async get(...args: Parameters<typeof store.get>) {
      const body = await store.get(...args)
      return body && Object.assign(body, { info: got(body.info, ++times) })
    },
  }
  const h = await harness({}, { store: proxied })
  for (const id of IDS) await h.block(id)
  return h
}

/** How many objects each of so many runs reads. */
async function getsOf(h: Harness, runs: number): Promise<number[]> {
  const gets: number[] = []
  for (let run = 0; run < runs; run++) gets.push((await h.run()).gets.length)
  return gets
}

const BY_TIME = 'size and time decide whether a meta is new'
const CHANGED = `etags of the bucket change though the objects do not: ${BY_TIME}`
const same: Change = info => info
const counted: Change = (info, times) => ({ ...info, etag: `${times}` })

describe('a bucket whose etags are rewritten on the way', () => {
  it.each<[name: string, listed: Change, got: Change, gets: readonly number[], warnings: readonly string[]]>([
    ['weakened in one of both answers', same, info => ({ ...info, etag: `W/"${info.etag}"` }), [5, 0], []],
    [
      'one in the listing, another with the object',
      same,
      info => ({ ...info, etag: `${info.etag}-gzip` }),
      [5, 0, 0],
      [CHANGED],
    ],
    ['another one in each answer', counted, counted, [5, 0, 0], [CHANGED]],
    [
      'times to the millisecond in one answer, and to the second in the other',
      (info, times) => ({ ...info, etag: `${times}`, modified: NOW + 123 }),
      info => ({ ...info, modified: NOW }),
      [5, 0],
      [CHANGED],
    ],
    [
      'none at all',
      info => ({ ...info, etag: '' }),
      info => ({ ...info, etag: '' }),
      [5, 0],
      [`the bucket gives no etags: ${BY_TIME}`],
    ],
    [
      'neither etags nor times stay',
      (info, times) => ({ ...info, etag: `${times}`, modified: times * 60_000 }),
      (info, times) => ({ ...info, etag: `${times}`, modified: times * 60_000 }),
      [5, 5, 5],
      ['metas are read in every run: neither their etags nor their times stay the same'],
    ],
  ])('%s: told once, and metas are read again only where nothing tells', async (_, listed, got, gets, warnings) => {
    const h = await behindProxy(listed, got)
    expect(await getsOf(h, gets.length)).toEqual(gets)
    expect(h.logged('warn')).toEqual(warnings)
  })

  it.each<[name: string, listed: Change, got: Change]>([
    ['an etag of its own', same, info => ({ ...info, etag: `${info.etag}-gzip` })],
    ['no etag', info => ({ ...info, etag: '' }), info => ({ ...info, etag: '' })],
  ])('a meta with %s that is written anew is read', async (_, listed, got) => {
    let now = NOW
    const h = await behindProxy(listed, got, () => now)
    await h.run()
    now += 1000
    await h.put(`${IDS[0]}/meta.json`, `${metaJson(IDS[0] as never)} `)
    expect(await getsOf(h, 2)).toEqual([1, 0])
  })

  it('a restart reads each at most once, and a block whose files change: that is no sign of anything', async () => {
    const h = await behindProxy(counted)
    await h.run()
    const again = await h.restarted()
    const [first, second] = await getsOf(again, 2)
    expect([first === 5 || first === 0, second]).toEqual([true, 0])
    for (const id of IDS) await h.put(`${id}/tombstones`, 'one file more')
    expect(await getsOf(h, 2)).toEqual([5, 0])
    expect(h.logged('warn')).toEqual([CHANGED])
  })

  it('and whose size is that of what a proxy sent, compressed', async () => {
    const h = await behindProxy(same, info => ({ ...info, etag: `${info.etag}-gzip`, size: info.size - 50 }))
    const counts = await getsOf(h, 4)
    expect([counts[0], counts[3]]).toEqual([5, 0])
    expect(h.logged('warn')).toEqual([CHANGED])
  })
})

it('etags are believed again where one of many that changed was right', async () => {
  let proxy = 0
  const h = await behindProxy(info => ({ ...info, etag: `${info.etag}-${proxy}` }))
  await h.run()
  proxy++
  await h.put(`${IDS[4]}/meta.json`, metaJson(IDS[4] as never, { maxTime: 7_200_001 }))
  expect(await getsOf(h, 1)).toEqual([5])
  proxy++
  expect(await getsOf(h, 2)).toEqual([5, 0])
})

it('a meta that is written twice within one second, in one size, is read again: its etag says so', async () => {
  const h = await behindProxy(same)
  await h.run()
  for (let round = 1; round < 9; round++) {
    for (const id of IDS) await h.put(`${id}/meta.json`, metaJson(id, { maxTime: 7_200_000 + round }))
    const { blocks } = await h.run()
    expect(blocks.map(({ meta }) => meta.maxTime)).toEqual(IDS.map(() => 7_200_000 + round))
  }
  expect(h.logged('warn')).toEqual([])
})
