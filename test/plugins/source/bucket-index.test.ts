// The bucket indexes of Cortex and Mimir: what they say is used, what they lack is read, and a bad one is never an empty one.
import { type BlockId, type Bucket, type Candidate, type PartialBlock, resolveConfig, type ViewEnd } from 'blockgate'
import { indexHeaders } from 'blockgate/plugins/sink/index-headers'
import { memory } from 'blockgate/plugins/sink/memory'
import { type BucketIndexOptions, bucketIndex } from 'blockgate/plugins/source/bucket-index'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
import { blockContext, candidate, fakeHost, memoryBucket, runContext, services, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { through } from '../../../plugins/source/catalogue/through.ts'
import { metaJson } from './scan-harness.ts'

const { signal } = new AbortController()
const NOW = Date.UTC(2026, 0, 1)
const encode = (text: string) => new TextEncoder().encode(text)

/** An index by the field tables of either project: `bucketindex/index.go`. */
const CORTEX = { segments_format: '1b6d', segments_num: 1, series_max_size: 0, chunk_max_size: 0 }
const MIMIR = {
  ...{ segments_format: '1b6d', segments_num: 1, source: 'compactor', compaction_level: 2, out_of_order: false },
  ...{ compactor_shard_id: '1_of_4', labels: { __compactor_shard_id__: '1_of_4' } },
}
interface Made {
  readonly like?: Readonly<Record<string, unknown>>
  readonly version?: unknown
  readonly updated?: number
  readonly marks?: Readonly<Record<string, number>>
  readonly more?: readonly unknown[]
}
async function indexOf(
  ids: readonly BlockId[],
  { like = MIMIR, version = 2, updated = NOW, marks = {}, more = [] }: Made = {},
) {
  const blocks = ids.map(id => ({
    block_id: id,
    min_time: 0,
    max_time: 7_200_000,
    uploaded_at: 1_700_000_000,
    ...like,
  }))
  const json = {
    version,
    blocks: [...blocks, ...more],
    block_deletion_marks: Object.entries(marks).map(([block_id, deletion_time]) => ({ block_id, deletion_time })),
    updated_at: updated / 1000,
  }
  return await through(encode(JSON.stringify(json)), new CompressionStream('gzip'), 1 << 20)
}

async function harness(options: Partial<BucketIndexOptions> = {}) {
  const store = memoryBucket()
  const calls: string[] = []
  const bucket: Bucket = {
    ...store,
    async list(prefix, how) {
      calls.push(`list ${prefix}`)
      return await store.list(prefix, how)
    },
    async get(key, how) {
      calls.push(`get ${key}`)
      return await store.get(key, how)
    },
  }
  const host = fakeHost()
  const source = bucketIndex({ source: scanBucket, ...options })
  await source.start?.(services({ host, bucket }))
  const put = (key: string, body: Uint8Array | string) =>
    store.put(key, typeof body === 'string' ? encode(body) : body, { signal })
  return {
    host,
    store,
    put,
    logged: () => host.lines.map(({ message }) => message).join('\n'),
    async block(folder: string, id: BlockId, thanos: object = {}) {
      await put(`${folder}${id}/chunks/000001`, 'chunks')
      await put(`${folder}${id}/index`, 'index')
      await put(`${folder}${id}/meta.json`, metaJson(id, { thanos: { labels: { a: 'b' }, ...thanos } }))
    },
    async run() {
      const from = calls.length
      const pages = source.pages(runContext({ now: host.now() }))
      const blocks: Candidate[] = []
      const partial: PartialBlock[] = []
      let end: ViewEnd | undefined
      while (!end) {
        const step = await pages.next()
        if (step.done) end = step.value
        else {
          blocks.push(...step.value.blocks)
          partial.push(...step.value.partial)
        }
      }
      return { blocks, partial, end, calls: calls.slice(from), ids: blocks.map(({ meta }) => meta.ulid) }
    },
  }
}
const FILES = {
  files: [
    { rel_path: 'index', size_bytes: 5 },
    { rel_path: 'chunks/000001', size_bytes: 6 },
    { rel_path: 'meta.json' },
  ],
}
const [A, B] = [testId(1), testId(2)]

describe('an index', () => {
  it('of Mimir costs one GET, and one of each new meta.json; nothing is listed where that has the sizes', async () => {
    const at = await harness()
    for (const id of [A, B]) await at.block('', id, FILES)
    await at.put('bucket-index.json.gz', await indexOf([A, B], { marks: { [B]: 1_700_000_100 } }))
    const first = await at.run()
    expect(first.calls.toSorted()).toEqual(
      ['get bucket-index.json.gz', `get ${A}/meta.json`, `get ${B}/meta.json`].toSorted(),
    )
    expect(first.end).toEqual({ complete: true })
    expect(first.blocks).toMatchObject([
      { path: `${A}/`, markers: [], uploaded: 1_700_000_000_000, meta: { labels: { a: 'b' } } },
      { path: `${B}/`, markers: ['deletion-mark.json'], deletionTime: 1_700_000_100_000 },
    ])
    expect(first.blocks[0]?.meta.files).toEqual([
      { path: 'index', size: 5 },
      { path: 'chunks/000001', size: 6 },
    ])
    expect((await at.run()).calls).toEqual(['get bucket-index.json.gz'])
  })

  it('of Cortex, whose metas have no sizes, costs a listing of each new block', async () => {
    const at = await harness({ tenants: ['team-a'] })
    await at.block('team-a/', A, { segment_files: ['000001'] })
    await at.put('team-a/bucket-index.json.gz', await indexOf([A], { like: CORTEX, version: 1 }))
    const { calls, blocks } = await at.run()
    expect(calls).toEqual(['get team-a/bucket-index.json.gz', `get team-a/${A}/meta.json`, `list team-a/${A}/`])
    expect(blocks).toMatchObject([{ path: `team-a/${A}/` }])
    expect(blocks[0]?.meta.files.map(({ path }) => path)).toEqual(['chunks/000001', 'index', 'meta.json'])
  })

  it('is not read again into a block whose meta.json was not written again', async () => {
    const at = await harness()
    await at.block('', A, FILES)
    await at.put('bucket-index.json.gz', await indexOf([A]))
    await at.run()
    await at.put('bucket-index.json.gz', await indexOf([A], { like: { uploaded_at: 1_700_000_500 } }))
    expect((await at.run()).calls).toEqual(['get bucket-index.json.gz', `get ${A}/meta.json`])
  })

  it('that says else than meta.json is told, and meta.json counts', async () => {
    const at = await harness()
    await at.block('', A, FILES)
    await at.put('bucket-index.json.gz', await indexOf([A], { like: { max_time: 5 } }))
    const [block] = (await at.run()).blocks
    expect(block?.meta.maxTime).toBe(7_200_000)
    expect(block?.notes).toContain('bucket-index.json.gz says 0 to 5, and meta.json 0 to 7200000')
  })

  it('that names a block without meta.json, or with a bad one, keeps what is loaded of it', async () => {
    const at = await harness()
    await at.put(`${B}/meta.json`, 'no JSON')
    await at.put('bucket-index.json.gz', await indexOf([A, B]))
    expect((await at.run()).partial).toMatchObject([
      { id: A, reason: 'no-meta-json', keep: true },
      { id: B, reason: 'corrupted-meta-json', keep: true },
    ])
  })
})

describe('an index that is not used: the folder of the tenant is listed', () => {
  const cut = async () => (await indexOf([])).subarray(0, 20)
  it.each<readonly [string, () => Promise<Uint8Array | string | undefined>, RegExp]>([
    ['missing', async () => undefined, /there is none/],
    ['empty', async () => '', /cannot be used/],
    ['cut off', cut, /cannot be used/],
    ['no gzip', async () => '{"version":1,"blocks":[],"updated_at":1}', /cannot be used/],
    [
      'no index',
      async () => await through(encode('{"version":1}'), new CompressionStream('gzip'), 1000),
      /cannot be used/,
    ],
    ['of another version', () => indexOf([], { version: 3 }), /cannot be used/],
    ['too old', () => indexOf([], { updated: NOW - 3_601_000 }), /too old/],
    ['still to come', () => indexOf([], { updated: NOW + 301_000 }), /still to come/],
    ['with an entry that is wrong', () => indexOf([], { more: [{ block_id: '../x' }] }), /entries are wrong/],
    ['with a block twice', () => indexOf([A, A]), /entries are wrong/],
  ])('%s', async (_, made, said) => {
    const at = await harness({ tenants: ['team-a', 'team-b'] })
    for (const [folder, id] of [
      ['team-a/', A],
      ['team-b/', B],
    ] as const)
      await at.block(folder, id, FILES)
    await at.put('team-b/bucket-index.json.gz', await indexOf([B]))
    const bytes = await made()
    if (bytes !== undefined) await at.put('team-a/bucket-index.json.gz', bytes)
    const { ids, calls, end, blocks } = await at.run()
    expect(ids).toEqual([A, B])
    expect(end.complete).toBe(true)
    expect(blocks[0]?.path).toBe(`team-a/${A}/`)
    expect(calls.filter(call => call.startsWith('list'))).toEqual(['list team-a/'])
    expect(at.logged()).toMatch(said)
  })

  it('one that is older than the one before it, and one that unpacks to more than the limit', async () => {
    const at = await harness()
    await at.block('', A, FILES)
    await at.put('bucket-index.json.gz', await indexOf([A]))
    await at.run()
    await at.put('bucket-index.json.gz', await indexOf([], { updated: NOW - 60_000 }))
    expect((await at.run()).ids).toEqual([A])
    expect(at.logged()).toContain('and one was used of')
    const small = await harness({ limit: 1_000 })
    await small.block('', A, FILES)
    await small.put(
      'bucket-index.json.gz',
      await through(new Uint8Array(100_000), new CompressionStream('gzip'), 1 << 20),
    )
    expect((await small.run()).ids).toEqual([A])
    expect(small.logged()).toContain('cannot be used')
  })

  it('is incomplete where it cannot be listed either', async () => {
    const at = await harness()
    at.store.list = async () => {
      throw Object.assign(new Error('no'), { retryable: false })
    }
    const run = at.run()
    await at.host.advance(60_000)
    expect((await run).end.complete).toBe(false)
  })
})

it('checks its options', async () => {
  const wrong = bucketIndex({ source: scanBucket, tenants: ['a/b', '..'], concurrency: 0 }).check?.() ?? []
  expect(wrong.map(({ path }) => path)).toEqual(['tenants[0]', 'tenants[1]', 'concurrency'])
  expect(bucketIndex({ source: scanBucket }).check?.()).toEqual([])
  expect(bucketIndex({} as BucketIndexOptions).check?.()).toMatchObject([{ path: 'source' }])
  const config = {
    bucket: memoryBucket(),
    pipeline: [bucketIndex({ source: scanBucket, tenants: ['a'] }), memory()] as const,
  }
  expect((await resolveConfig(config, { env: {} })).plan.source.name).toBe('bucket-index')
})

it('of several tenants is not for a sink that reads where the id says', async () => {
  const block = blockContext(candidate({ ulid: A }, { path: `team-a/${A}/` }))
  await expect(indexHeaders().prepare(block)).rejects.toThrow('unsupported: index-headers needs blocks at the root')
})
