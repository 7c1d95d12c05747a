import type { ObjectInfo } from 'blockgate'
import { memoryBucket, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { type Harness, harness, metaJson } from './scan-harness.ts'

const IDS = [1, 2, 3, 4, 5].map(n => testId(n))
const gets = (h: Harness) => h.calls.filter(call => call.startsWith('get')).length
const warnings = (h: Harness) => h.host.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)

type Change = (info: ObjectInfo, times: number) => ObjectInfo

/** Five blocks behind a proxy that changes what the listing, and what a GET says of an object. */
async function behindProxy(listed: Change, got: Change = listed, now = () => 1_700_000_000_000) {
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

async function getsOf(h: Harness): Promise<number> {
  h.calls.length = 0
  await h.run()
  return gets(h)
}

const CHANGED =
  'etags of the bucket change though the objects do not: whether a meta is new is told by its size and time'

describe('a bucket whose etags are rewritten on the way', () => {
  it('weakened in one of both answers: an etag is the same', async () => {
    const h = await behindProxy(
      info => info,
      info => ({ ...info, etag: `W/"${info.etag}"` }),
    )
    expect([await getsOf(h), await getsOf(h)]).toEqual([5, 0])
    expect(warnings(h)).toEqual([])
  })

  it('one in the listing, another with the object: told once, and metas are read once', async () => {
    const h = await behindProxy(
      info => info,
      info => ({ ...info, etag: `${info.etag}-gzip` }),
    )
    expect([await getsOf(h), await getsOf(h), await getsOf(h)]).toEqual([5, 0, 0])
    expect(warnings(h)).toEqual([CHANGED])
    await h.put(`${IDS[0]}/meta.json`, `${metaJson(IDS[0] as never)} `)
    expect(await getsOf(h)).toBe(1)
  })

  it('another one in each answer: told once, and metas are read once', async () => {
    const h = await behindProxy((info, times) => ({ ...info, etag: `${times}` }))
    expect([await getsOf(h), await getsOf(h), await getsOf(h)]).toEqual([5, 0, 0])
    expect(warnings(h)).toEqual([CHANGED])
    const again = await h.restarted()
    expect(await getsOf(again)).toBeLessThanOrEqual(5)
    expect(await getsOf(again)).toBe(0)
  })

  it('and whose size is that of what a proxy sent, compressed', async () => {
    const h = await behindProxy(
      info => info,
      info => ({ ...info, etag: `${info.etag}-gzip`, size: info.size - 50 }),
    )
    const counts = [await getsOf(h), await getsOf(h), await getsOf(h), await getsOf(h)]
    expect([counts[0], counts[3]]).toEqual([5, 0])
    expect(warnings(h)).toEqual([CHANGED])
  })

  it('a block whose files change is read again, and that is no sign of anything', async () => {
    const h = await behindProxy((info, times) => ({ ...info, etag: `${times}` }))
    await h.run()
    for (const id of IDS) await h.put(`${id}/tombstones`, 'one file more')
    expect([await getsOf(h), await getsOf(h)]).toEqual([5, 0])
    expect(warnings(h)).toEqual([CHANGED])
  })

  it('times to the millisecond in one answer, and to the second in the other, are the same time', async () => {
    const h = await behindProxy(
      (info, times) => ({ ...info, etag: `${times}`, modified: 1_700_000_000_123 }),
      info => ({ ...info, modified: 1_700_000_000_000 }),
    )
    expect([await getsOf(h), await getsOf(h)]).toEqual([5, 0])
  })

  it('none at all: told once, and size and time tell what is new', async () => {
    let now = 1_700_000_000_000
    const h = await behindProxy(
      info => ({ ...info, etag: '' }),
      undefined,
      () => now,
    )
    expect([await getsOf(h), await getsOf(h)]).toEqual([5, 0])
    expect(warnings(h)).toEqual(['the bucket gives no etags: whether a meta is new is told by its size and time'])
    now += 1000
    await h.put(`${IDS[0]}/meta.json`, metaJson(IDS[0] as never))
    expect(await getsOf(h)).toBe(1)
  })

  it('neither etags nor times stay: that every run reads all is told once', async () => {
    const h = await behindProxy((info, times) => ({ ...info, etag: `${times}`, modified: times * 60_000 }))
    expect([await getsOf(h), await getsOf(h), await getsOf(h)]).toEqual([5, 5, 5])
    expect(warnings(h)).toEqual(['metas are read in every run: neither their etags nor their times stay as they are'])
  })
})

it('a meta that is written twice within one second, in one size, is read again: its etag says so', async () => {
  const h = await behindProxy(info => info)
  await h.run()
  for (let round = 1; round < 9; round++) {
    for (const id of IDS) await h.put(`${id}/meta.json`, metaJson(id, { maxTime: 7_200_000 + round }))
    const seen = await h.run()
    expect(seen.pages[0]?.blocks.map(({ meta }) => meta.maxTime)).toEqual(IDS.map(() => 7_200_000 + round))
  }
  expect(warnings(h)).toEqual([])
})
