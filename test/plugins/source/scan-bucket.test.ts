import { type BlockId, BucketError, codeOf } from 'blockgate'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
import { flaky, memoryBucket, runContext, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { type Harness, harness, metaJson, type Seen } from './scan-harness.ts'

const [ID1, ID2, ID3, ID4, ID5] = [testId(1), testId(2), testId(3), testId(4), testId(5)]
const errorsOf = (seen: Seen) => seen.pages.flatMap(page => page.partial.map(({ error }) => (error as Error)?.message))
const first = (seen: Seen) => seen.pages[0]?.blocks[0]

for (const listing of ['recursive', 'delimited'] as const) {
  describe(`scanBucket, ${listing}`, () => {
    it('follows a bucket through its changes as the fetcher of Thanos does (TestMetaFetcher_Fetch)', async () => {
      const h = await harness({ listing })
      expect(await h.run()).toMatchObject({ ids: [], partial: [], complete: true })

      for (const id of [ID1, ID2, ID3]) await h.block(id)
      expect(await h.run()).toMatchObject({ ids: [ID1, ID2, ID3], partial: [], complete: true })

      // Upstream damages its disk cache here; ours are documents of the state store.
      await h.services.state.set('metas-0', { format: 2, blocks: 'x' })
      const again = await h.restarted()
      expect(await again.run()).toMatchObject({ ids: [ID1, ID2, ID3], partial: [], complete: true })

      await h.block(ID4, null)
      expect(await h.run()).toMatchObject({ ids: [ID1, ID2, ID3], partial: [`${ID4} no-meta-json false`] })

      await h.put(`${ID5}/meta.json`, '{ not a json')
      expect(await h.run()).toMatchObject({
        ids: [ID1, ID2, ID3],
        partial: [`${ID4} no-meta-json false`, `${ID5} corrupted-meta-json true`],
        complete: true,
      })

      // A new meta.json is read once, and the rest is not.
      await h.put(`${ID1}/meta.json`, metaJson(ID1, { maxTime: 9 }))
      h.calls.length = 0
      expect(first(await h.run())?.meta.maxTime).toBe(9)
      expect(h.calls.filter(call => call.startsWith('get'))).toEqual([`get ${ID1}/meta.json`])

      await h.block(testId(7), { version: 20 })
      const last = await h.run()
      expect(last).toMatchObject({ ids: [ID1, ID2, ID3], complete: true })
      expect(errorsOf(last).at(-1)).toBe('corrupted-meta-json: meta.json: version: must be 1: current value is 20')
    })

    it('takes only folders of strict ULIDs at the root', async () => {
      const h = await harness({ listing })
      await h.block(ID2)
      for (const folder of [
        'debug',
        '01arz3ndektsv4rrffq69g5fav',
        '01ARZ3NDEKTSV4RRFFQ69G5FAI',
        '8ZZZZZZZZZZZZZZZZZZZZZZZZZ',
        'abcdefghijklmnopqrstuvwxyz',
        `tenant/${ID1}`,
        `0/${ID1}`,
        `${ID1}0`,
      ]) {
        await h.put(`${folder}/meta.json`, metaJson(ID1))
      }
      await h.put(ID3, 'an object that is named as a block')
      expect(await h.run()).toMatchObject({
        ids: [ID2],
        partial: ['01ARZ3NDEKTSV4RRFFQ69G5FAV lower-case-folder true'],
        complete: true,
      })
      expect(h.calls.filter(call => call.startsWith('get'))).toEqual([`get ${ID2}/meta.json`])
    })

    it('does not take a nested meta.json for the meta of the block', async () => {
      const h = await harness({ listing })
      await h.put(`${ID1}/debug/metas/meta.json`, metaJson(ID1))
      await h.put(`${ID2}/`, '')
      expect(await h.run()).toMatchObject({
        ids: [],
        partial: [`${ID1} no-meta-json false`, `${ID2} no-meta-json false`],
      })
      expect(h.calls.some(call => call.startsWith('get'))).toBe(false)
    })

    it('names the markers that the listing shows, and reads the deletion mark only', async () => {
      const h = await harness({ listing })
      await h.block(ID1)
      await h.block(ID2)
      await h.put(`${ID2}/deletion-mark.json`, JSON.stringify({ id: ID2, version: 1, deletion_time: 1_700_000_000 }))
      await h.put(`${ID2}/no-compact-mark.json`, '{}')
      await h.put(`${ID2}/no-downsample-mark.json`, '{}')
      const { pages } = await h.run()
      expect(pages[0]?.blocks.map(({ markers, deletionTime }) => ({ markers, deletionTime }))).toEqual([
        { markers: [], deletionTime: undefined },
        {
          markers: ['deletion-mark.json', 'no-compact-mark.json', 'no-downsample-mark.json'],
          deletionTime: 1_700_000_000_000,
        },
      ])
      expect(h.calls.filter(call => call.includes('mark'))).toEqual([`get ${ID2}/deletion-mark.json`])
    })

    it('completes the files of the meta from the listing', async () => {
      const h = await harness({ listing })
      const hash = { hashFunc: 'SHA256', value: 'ab'.repeat(32) }
      const files = [
        { rel_path: 'chunks/000001', size_bytes: 6, hash },
        { rel_path: 'index', size_bytes: 5 },
        { rel_path: 'meta.json' },
      ]
      await h.block(ID1, { thanos: { files, segment_files: ['000001', '000002'] } })
      await h.put(`${ID1}/chunks/000002`, 'more chunks')
      await h.put(`${ID1}/sparse-index-header`, 'of another program')
      const size = metaJson(ID1, { thanos: { files, segment_files: ['000001', '000002'] } }).length
      expect(first(await h.run())?.meta.files).toEqual([
        { path: 'chunks/000001', size: 6, sha256: 'ab'.repeat(32) },
        { path: 'chunks/000002', size: 11 },
        { path: 'index', size: 5 },
        { path: 'meta.json', size },
      ])
    })
  })
}

describe('scanBucket', () => {
  it('offers a block with its folder, and thanos.upload_time as its upload time where that is set', async () => {
    const h = await harness()
    await h.block(ID1)
    await h.block(ID2, { thanos: { upload_time: '2024-01-02T03:04:05Z' } })
    const { pages } = await h.run()
    expect(pages[0]?.blocks).toMatchObject([
      { path: `${ID1}/`, uploaded: undefined, meta: { ulid: ID1, labels: { cluster: 'eu' } } },
      { path: `${ID2}/`, uploaded: Date.UTC(2024, 0, 2, 3, 4, 5) },
    ])
  })

  const incomplete: readonly (readonly [name: string, change: (h: Harness) => Promise<void>, message: string])[] = [
    ['no index', h => h.delete(`${ID1}/index`), 'index: must be in the listing: it is not there'],
    ['no chunks', h => h.delete(`${ID1}/chunks/000001`), 'chunks: must be in the listing: it is not there'],
    [
      'a declared file of another size',
      h => h.put(`${ID1}/index`, 'longer than it was'),
      'index: must be 5 bytes: current value is 18',
    ],
    [
      'a declared segment that is not there',
      async h => {
        await h.put(`${ID1}/chunks/000002`, 'chunks')
        await h.delete(`${ID1}/chunks/000001`)
      },
      'chunks/000001: must be in the listing: it is not there',
    ],
  ]
  for (const [name, change, message] of incomplete) {
    it(`keeps a block that is incomplete until the next run sees it whole: ${name}`, async () => {
      const h = await harness()
      await h.block(ID1, { thanos: { files: [{ rel_path: 'index', size_bytes: 5 }], segment_files: ['000001'] } })
      await change(h)
      const seen = await h.run()
      expect(seen).toMatchObject({ ids: [], partial: [`${ID1} incomplete true`], complete: true })
      expect(errorsOf(seen)).toEqual([`corrupt-block: ${message}`])
      await h.put(`${ID1}/index`, 'index')
      await h.put(`${ID1}/chunks/000001`, 'chunks')
      expect((await h.run()).ids).toEqual([ID1])
    })
  }

  it('does not ask for a declared file of another kind: Thanos uploads no tombstones', async () => {
    const h = await harness()
    await h.block(ID1, { thanos: { files: [{ rel_path: 'tombstones', size_bytes: 9 }] } })
    expect((await h.run()).ids).toEqual([ID1])
  })

  it('row 7: one bad meta.json or one 503 is the trouble of that block alone', async () => {
    const h = await harness()
    for (const id of [ID1, ID2, ID3, ID4]) await h.block(id, id === ID2 ? { version: 20 } : {})
    await h.put(`${ID4}/deletion-mark.json`, '{}')
    const unavailable = new Error('503')
    h.before = call => {
      if (call === `get ${ID3}/meta.json` || call.includes('mark')) throw unavailable
    }
    const seen = await h.run()
    expect(seen).toMatchObject({
      ids: [ID1, ID4],
      partial: [`${ID2} corrupted-meta-json true`, `${ID3} unreadable true`],
      complete: true,
    })
    expect(seen.pages[0]?.partial[1]?.error).toBe(unavailable)
    expect(seen.pages[0]?.blocks[1]).toMatchObject({ markers: ['deletion-mark.json'], deletionTime: undefined })
    h.before = () => {}
    expect((await h.run()).ids).toEqual([ID1, ID3, ID4])
  })

  it('asks again for a meta.json or a mark whose body breaks off, three times in all', async () => {
    const broken = new BucketError('the body broke off', { retryable: true })
    const cut = (key: RegExp, nth: readonly number[]) =>
      ({ op: 'get', key, nth, fault: { bodyAfter: 5, error: broken } }) as const
    const store = flaky(memoryBucket(), [
      cut(new RegExp(`${ID1}/meta`), [1, 2]),
      cut(new RegExp(`${ID1}/deletion`), [1]),
      cut(new RegExp(`${ID2}/meta`), [1, 2, 3]),
    ])
    const h = await harness({}, { store })
    for (const id of [ID1, ID2]) await h.block(id)
    await h.put(`${ID1}/deletion-mark.json`, JSON.stringify({ version: 1, id: ID1, deletion_time: 5 }))
    const run = h.run()
    await h.host.advance(60_000)
    const seen = await run
    expect(seen).toMatchObject({ ids: [ID1], partial: [`${ID2} unreadable true`], complete: true })
    expect(seen.pages[0]?.blocks[0]?.deletionTime).toBe(5000)
    expect(seen.pages[0]?.partial[0]?.error).toBe(broken)
    expect(h.calls.filter(call => call.includes('meta')).toSorted()).toEqual([
      ...Array(3).fill(`get ${ID1}/meta.json`),
      ...Array(3).fill(`get ${ID2}/meta.json`),
    ])
  })

  it('does not ask again for a body that broke off for good', async () => {
    const fault = { bodyAfter: 5, error: new BucketError('the key is wrong', { retryable: false }) }
    const h = await harness({}, { store: flaky(memoryBucket(), [{ op: 'get', fault }]) })
    await h.block(ID1)
    expect((await h.run()).partial).toEqual([`${ID1} unreadable true`])
    expect(h.calls).toEqual(['list ', `get ${ID1}/meta.json`])
  })

  it('keeps a block whose meta.json is listed and not there: the next listing says which of them is true', async () => {
    const h = await harness()
    await h.block(ID1)
    h.before = async call => {
      if (call === `get ${ID1}/meta.json`) await h.delete(`${ID1}/meta.json`)
    }
    const detail = 'the listing shows meta.json, and a GET says that it is not there'
    expect((await h.run()).pages[0]?.partial).toEqual([{ id: ID1, reason: 'no-meta-json', detail, keep: true }])
    h.before = () => {}
    expect(await h.run()).toMatchObject({ ids: [], partial: [`${ID1} no-meta-json false`], complete: true })
  })

  it('no block of a store that shows metas and does not give them counts as absent, however often it is listed', async () => {
    const h = await harness()
    for (const id of [ID1, ID2, ID3]) await h.block(id)
    h.services.bucket.get = async () => undefined
    for (let run = 0; run < 3; run++) {
      expect((await h.run()).partial).toEqual([ID1, ID2, ID3].map(id => `${id} no-meta-json true`))
    }
  })

  it('refuses the meta of another block', async () => {
    const h = await harness()
    await h.block(ID1)
    await h.put(`${ID1}/meta.json`, metaJson(ID2))
    expect(errorsOf(await h.run())).toEqual([
      `corrupted-meta-json: meta.json: ulid: must be its folder ${ID1}: current value is "${ID2}"`,
    ])
  })

  it('does not read a meta.json that the listing shows to be too large', async () => {
    const h = await harness({ metaLimit: 100 })
    await h.block(ID1)
    const seen = await h.run()
    expect(seen.partial).toEqual([`${ID1} corrupted-meta-json true`])
    expect(errorsOf(seen)[0]).toMatch(/meta\.json: must be at most 100 bytes: current value is \d+$/)
    expect(h.calls).toEqual(['list '])
  })

  it('does not keep more than the limit of a meta.json that grew after the listing', async () => {
    const size = metaJson(ID1).length
    const h = await harness({ metaLimit: size })
    await h.block(ID1)
    h.before = async call => {
      if (call === `get ${ID1}/meta.json`) await h.put(`${ID1}/meta.json`, `${metaJson(ID1)} `)
    }
    const seen = await h.run()
    expect(seen.partial).toEqual([`${ID1} corrupted-meta-json true`])
    expect(errorsOf(seen)[0]).toContain(`must be at most ${size} bytes`)
  })

  it('tells times of a meta that cannot be, also of one that it knows from before', async () => {
    const h = await harness()
    await h.block(ID1, { minTime: 1_700_000_000, maxTime: 1_700_007_200 })
    await h.block(ID2, { maxTime: Date.UTC(2036, 1, 7), thanos: { upload_time: '2036-02-07T00:00:00Z' } })
    for (const at of [h, await h.restarted()]) {
      const [seconds, future] = (await at.run()).pages[0]?.blocks ?? []
      expect(seconds?.notes).toEqual([
        'meta.json: minTime: must be in milliseconds: current value is 1700000000',
        'meta.json: maxTime: must be in milliseconds: current value is 1700007200',
      ])
      expect(future?.notes).toEqual([
        'meta.json: maxTime: must not be in the future (2036-02-07T00:00:00.000Z): current value is 2085955200000',
        'meta.json: thanos.upload_time: must not be in the future: current value is "2036-02-07T00:00:00.000Z"',
      ])
    }
  })

  describe.each(['recursive', 'delimited'] as const)('a folder named in lower case, %s', listing => {
    const id = '01ARZ3NDEKTSV4RRFFQ69G5FAV'
    it('is refused, and says what it must be named', async () => {
      const h = await harness({ listing })
      await h.put(`${id.toLowerCase()}/meta.json`, '{}')
      const seen = await h.run()
      expect(seen.partial).toEqual([`${id} lower-case-folder true`])
      expect(errorsOf(seen)).toEqual([
        `invalid-key: its folder must be named ${id}, in upper case: current value is ${id.toLowerCase()}`,
      ])
    })

    it('is passed over where the block is there under its name too', async () => {
      const h = await harness({ listing })
      await h.block(id as BlockId)
      await h.put(`${id.toLowerCase()}/meta.json`, '{}')
      expect(await h.run()).toMatchObject({ ids: [id], partial: [] })
    })
  })

  it('tells what is wrong with its options, and never throws', () => {
    const bad = { listing: 'flat', concurrency: 0, metaLimit: 1.5, depth: 1 }
    const problems = scanBucket(bad as never).check?.()
    expect(problems?.map(({ path, must }) => `${path} must ${must}`)).toEqual([
      "listing must be 'recursive' or 'delimited'",
      'concurrency must be >= 1',
      'metaLimit must be an integer',
      'depth must be one of the known options: listing, concurrency, metaLimit',
    ])
    expect(scanBucket({ listing: undefined, concurrency: 1 }).check?.()).toEqual([])
  })

  it('is stopped without a start and twice, and is not used before its start', async () => {
    const source = scanBucket()
    await source.stop?.(new AbortController().signal)
    await source.stop?.(new AbortController().signal)
    const error = await source
      .pages(runContext())
      .next()
      .catch(caught => caught)
    expect(codeOf(error)).toBe('stage-misuse')
  })
})
