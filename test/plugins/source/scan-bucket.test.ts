import { type BlockId, BucketError, codeOf } from 'blockgate'
import { type ScanBucketOptions, scanBucket } from 'blockgate/plugins/source/scan-bucket'
import { flaky, memoryBucket, runContext, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { type Harness, harness, metaJson } from './scan-harness.ts'

const [ID1, ID2, ID3, ID4, ID5] = [1, 2, 3, 4, 5].map(n => testId(n)) as [BlockId, BlockId, BlockId, BlockId, BlockId]
const META1 = `${ID1}/meta.json`
const LOWER = '01arz3ndektsv4rrffq69g5fav'

describe.each(['recursive', 'delimited'] as const)('scanBucket, %s', listing => {
  it('follows a bucket through its changes as the fetcher of Thanos does (TestMetaFetcher_Fetch)', async () => {
    const h = await harness({ listing })
    expect(await h.run()).toMatchObject({ ids: [], partial: [], complete: true })

    for (const id of [ID1, ID2, ID3]) await h.block(id)
    expect(await h.run()).toMatchObject({ ids: [ID1, ID2, ID3], partial: [], complete: true })

    // Upstream damages its disk cache here; ours are documents of the state store.
    await h.services.state.set('metas-0', { format: 2, blocks: 'x' })
    expect(await (await h.restarted()).run()).toMatchObject({ ids: [ID1, ID2, ID3], partial: [], complete: true })

    await h.block(ID4, null)
    expect(await h.run()).toMatchObject({ ids: [ID1, ID2, ID3], partial: [`${ID4} no-meta-json false`] })

    await h.put(`${ID5}/meta.json`, '{ not a json')
    const partial = [`${ID4} no-meta-json false`, `${ID5} corrupted-meta-json true`]
    expect(await h.run()).toMatchObject({ ids: [ID1, ID2, ID3], partial, complete: true })

    // A new meta.json is read once, and the rest is not.
    await h.put(META1, metaJson(ID1, { maxTime: 9 }))
    const { blocks, gets } = await h.run()
    expect([blocks[0]?.meta.maxTime, gets]).toEqual([9, [`get ${META1}`]])

    await h.block(testId(7), { version: 20 })
    const last = await h.run()
    expect(last).toMatchObject({ ids: [ID1, ID2, ID3], complete: true })
    expect(last.errors.at(-1)).toBe('corrupted-meta-json: meta.json: version: must be 1: current value is 20')
  })

  it('takes only folders of strict ULIDs at the root', async () => {
    const h = await harness({ listing })
    await h.block(ID2)
    const short = ['debug', '01ARZ3NDEKTSV4RRFFQ69G5FAI', '8ZZZZZZZZZZZZZZZZZZZZZZZZZ', 'abcdefghijklmnopqrstuvwxyz']
    for (const folder of [...short, LOWER, `tenant/${ID1}`, `0/${ID1}`, `${ID1}0`]) {
      await h.put(`${folder}/meta.json`, metaJson(ID1))
    }
    await h.put(ID3, 'an object that is named as a block')
    const seen = await h.run()
    expect(seen).toMatchObject({ ids: [ID2], complete: true, gets: [`get ${ID2}/meta.json`] })
    expect(seen.partial).toEqual([`${LOWER.toUpperCase()} lower-case-folder true`])
  })

  it('does not take a nested meta.json for the meta of the block', async () => {
    const h = await harness({ listing })
    await h.put(`${ID1}/debug/metas/meta.json`, metaJson(ID1))
    await h.put(`${ID2}/`, '')
    const partial = [`${ID1} no-meta-json false`, `${ID2} no-meta-json false`]
    expect(await h.run()).toMatchObject({ ids: [], partial, gets: [] })
  })

  it('names the markers that the listing shows, and reads the deletion mark only', async () => {
    const h = await harness({ listing })
    await h.block(ID1)
    await h.block(ID2)
    await h.mark(ID2, 1_700_000_000)
    await h.put(`${ID2}/no-compact-mark.json`, '{}')
    await h.put(`${ID2}/no-downsample-mark.json`, '{}')
    const { blocks, gets } = await h.run()
    expect(blocks.map(({ markers, deletionTime }) => [markers, deletionTime])).toEqual([
      [[], undefined],
      [['deletion-mark.json', 'no-compact-mark.json', 'no-downsample-mark.json'], 1_700_000_000_000],
    ])
    expect(gets.filter(call => call.includes('mark'))).toEqual([`get ${ID2}/deletion-mark.json`])
  })

  it('completes the files of the meta from the listing', async () => {
    const h = await harness({ listing })
    const sha256 = 'ab'.repeat(32)
    const files = [
      { rel_path: 'chunks/000001', size_bytes: 6, hash: { hashFunc: 'SHA256', value: sha256 } },
      { rel_path: 'index', size_bytes: 5 },
      { rel_path: 'meta.json' },
      // Thanos uploads no tombstones.
      { rel_path: 'tombstones', size_bytes: 9 },
    ]
    const thanos = { files, segment_files: ['000001', '000002'] }
    await h.block(ID1, { thanos })
    await h.put(`${ID1}/chunks/000002`, 'more chunks')
    await h.put(`${ID1}/sparse-index-header`, 'of another program')
    expect((await h.run()).blocks[0]?.meta.files).toEqual([
      { path: 'chunks/000001', size: 6, sha256 },
      { path: 'chunks/000002', size: 11 },
      { path: 'index', size: 5 },
      { path: 'meta.json', size: metaJson(ID1, { thanos }).length },
    ])
  })

  it('refuses a folder named in lower case, unless the block is there under its name too', async () => {
    const h = await harness({ listing })
    await h.put(`${LOWER}/meta.json`, '{}')
    const id = LOWER.toUpperCase() as BlockId
    const seen = await h.run()
    expect(seen.partial).toEqual([`${id} lower-case-folder true`])
    expect(seen.errors).toEqual([
      `invalid-key: its folder must be named ${id}, in upper case: current value is ${LOWER}`,
    ])
    await h.block(id)
    expect(await h.run()).toMatchObject({ ids: [id], partial: [] })
  })
})

describe('scanBucket', () => {
  const failing = (h: Harness, key: string, error: unknown) => {
    h.before = call => {
      if (call === `get ${key}`) throw error
    }
  }

  it('offers a block with its folder, and thanos.upload_time as its upload time where that is set', async () => {
    const h = await harness()
    await h.block(ID1)
    await h.block(ID2, { thanos: { upload_time: '2024-01-02T03:04:05Z' } })
    expect((await h.run()).blocks).toMatchObject([
      { path: `${ID1}/`, uploaded: undefined, meta: { ulid: ID1, labels: { cluster: 'eu' } } },
      { path: `${ID2}/`, uploaded: Date.UTC(2024, 0, 2, 3, 4, 5) },
    ])
  })

  it.each<[name: string, change: Readonly<Record<string, string | null>>, message: string]>([
    ['no index', { index: null }, 'index: must be in the listing: it is not there'],
    ['no chunks', { 'chunks/000001': null }, 'chunks: must be in the listing: it is not there'],
    ['a file of another size', { index: 'longer than it was' }, 'index: must be 5 bytes: current value is 18'],
    [
      'a declared segment that is not there',
      { 'chunks/000002': 'chunks', 'chunks/000001': null },
      'chunks/000001: must be in the listing: it is not there',
    ],
  ])('keeps a block that is incomplete until the next run sees it whole: %s', async (_, change, message) => {
    const h = await harness()
    await h.block(ID1, { thanos: { files: [{ rel_path: 'index', size_bytes: 5 }], segment_files: ['000001'] } })
    for (const [path, text] of Object.entries(change)) {
      await (text === null ? h.delete(`${ID1}/${path}`) : h.put(`${ID1}/${path}`, text))
    }
    const seen = await h.run()
    expect(seen).toMatchObject({ ids: [], partial: [`${ID1} incomplete true`], complete: true })
    expect(seen.errors).toEqual([`corrupt-block: ${message}`])
    await h.put(`${ID1}/index`, 'index')
    await h.put(`${ID1}/chunks/000001`, 'chunks')
    expect((await h.run()).ids).toEqual([ID1])
  })

  it('row 7: one bad meta.json or one 503 is the trouble of that block alone', async () => {
    const h = await harness()
    for (const id of [ID1, ID2, ID3]) await h.block(id, id === ID2 ? { version: 20 } : {})
    const unavailable = new Error('503')
    failing(h, `${ID3}/meta.json`, unavailable)
    const seen = await h.run()
    const partial = [`${ID2} corrupted-meta-json true`, `${ID3} unreadable true`]
    expect(seen).toMatchObject({ ids: [ID1], partial, complete: true })
    expect(seen.pages[0]?.partial[1]?.error).toBe(unavailable)
    h.before = () => {}
    expect((await h.run()).ids).toEqual([ID1, ID3])
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
    await h.mark(ID1, 5)
    const seen = await h.patientRun()
    expect(seen).toMatchObject({ ids: [ID1], partial: [`${ID2} unreadable true`], complete: true })
    expect(seen.blocks[0]?.deletionTime).toBe(5000)
    expect(seen.pages[0]?.partial[0]?.error).toBe(broken)
    const metas = seen.gets.filter(call => call.includes('meta')).toSorted()
    expect(metas).toEqual([...Array(3).fill(`get ${META1}`), ...Array(3).fill(`get ${ID2}/meta.json`)])
  })

  it.each([
    ['a body that broke off for good', { bodyAfter: 5, error: new BucketError('no such key', { retryable: false }) }],
    ['what the bucket has tried already', { error: new BucketError('503', { retryable: true }) }],
  ])('does not ask again for %s', async (_, fault) => {
    const h = await harness({}, { store: flaky(memoryBucket(), [{ op: 'get', fault }]) })
    await h.block(ID1)
    expect(await h.run()).toMatchObject({ partial: [`${ID1} unreadable true`], gets: [`get ${META1}`] })
  })

  it('keeps a block whose meta.json is listed and not there: the next listing says which of them is true', async () => {
    const h = await harness()
    await h.block(ID1)
    h.before = async call => {
      if (call === `get ${META1}`) await h.delete(META1)
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
    await h.put(META1, metaJson(ID2))
    expect((await h.run()).errors).toEqual([
      `corrupted-meta-json: meta.json: ulid: must be its folder ${ID1}: current value is "${ID2}"`,
    ])
  })

  it('does not read a meta.json or a mark that the listing shows to be too large', async () => {
    const h = await harness({ metaLimit: 300 })
    await h.block(ID1, { more: 'x'.repeat(300) })
    await h.block(ID2)
    await h.mark(ID2, ' '.repeat(2 ** 20 + 1))
    const seen = await h.run()
    expect(seen).toMatchObject({ partial: [`${ID1} corrupted-meta-json true`], gets: [`get ${ID2}/meta.json`] })
    expect(seen.errors[0]).toMatch(/meta\.json: must be at most 300 bytes: current value is \d+$/)
    expect(seen.blocks[0]?.notes?.[0]).toMatch(/^deletion-mark\.json: must be at most 1048576 bytes: .* is kept$/)
  })

  it('does not keep more than the limit of a meta.json that grew after the listing', async () => {
    const size = metaJson(ID1).length
    const h = await harness({ metaLimit: size })
    await h.block(ID1)
    h.before = async call => {
      if (call === `get ${META1}`) await h.put(META1, `${metaJson(ID1)} `)
    }
    const seen = await h.run()
    expect(seen.partial).toEqual([`${ID1} corrupted-meta-json true`])
    expect(seen.errors[0]).toContain(`must be at most ${size} bytes`)
  })

  it('tells times of a meta that cannot be, also of one that it knows from before', async () => {
    const h = await harness()
    await h.block(ID1, { minTime: 1_700_000_000, maxTime: 1_700_007_200 })
    await h.block(ID2, { maxTime: Date.UTC(2036, 1, 7), thanos: { upload_time: '2036-02-07T00:00:00Z' } })
    for (const at of [h, await h.restarted()]) {
      const [seconds, future] = (await at.run()).blocks
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

  it('tells what is wrong with its options, and never throws', () => {
    const bad = { listing: 'flat', concurrency: 0, metaLimit: 1.5, depth: 1 } as unknown as ScanBucketOptions
    expect(
      scanBucket(bad)
        .check?.()
        .map(({ path, must }) => `${path} must ${must}`),
    ).toEqual([
      "listing must be 'recursive' or 'delimited'",
      'concurrency must be >= 1',
      'metaLimit must be an integer',
      'depth must be one of the known options: listing, concurrency, metaLimit, fullEvery, margin',
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
