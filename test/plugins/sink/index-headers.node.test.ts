import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LocalFiles } from 'blockgate'
import { blockContext, services, testId, testSink } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { indexHeaders } from '../../../plugins/sink/index-headers/index.ts'
import { localFiles, nodeHost } from '../../../src/runtime/node.ts'
import { headerOf } from '../../support/header-of.ts'
import { indexedBlocks, storedIndex } from '../../support/indexed-blocks.ts'
import { tempFolders } from '../../support/temp-folders.ts'
import { add, other, restart, small, world } from './index-headers-world.ts'

const folder = tempFolders()
const { signal } = new AbortController()
const quiet = { info() {}, warn() {}, error() {} }

testSink(
  { describe, it },
  {
    name: 'indexHeaders',
    factory: () => indexHeaders(),
    invalid: [
      () => indexHeaders({ path: '../headers' }),
      () => indexHeaders({ path: '/var' }),
      () => indexHeaders({ tailBytes: 63 }),
      () => indexHeaders({ headBytes: 16 * 1024 * 1024 + 1 }),
      () => indexHeaders({ headBytes: 100.5 }),
      () => indexHeaders({ dir: 'x' } as object),
    ],
    services: instance => services({ instance, host: nodeHost({ log: quiet }), files: localFiles(folder()) }),
    blocks: bucket => indexedBlocks(bucket),
  },
)

describe('indexHeaders', () => {
  it('puts the header into the folder of the block, below the root as Thanos does, with a manifest', async () => {
    const { root, sink, store } = await world({ root: folder() })
    const block = await storedIndex(store, 1, small)
    await add(sink, block)
    expect(await readdir(join(root, block.meta.ulid))).toEqual(['blockgate.json', 'index-header'])
    const header = await headerOf(small)
    expect(Buffer.compare(await readFile(join(root, block.meta.ulid, 'index-header')), header)).toBe(0)
    expect(sink.loaded().get(block.meta.ulid)?.bytes).toBe(header.length)
    const manifest = JSON.parse(await readFile(join(root, block.meta.ulid, 'blockgate.json'), 'utf8'))
    expect(manifest).toMatchObject({ sink: 'index-headers', bytes: header.length, meta: { ulid: block.meta.ulid } })
  })

  it('below another path, if it is told so', async () => {
    const { root, sink, store } = await world({ root: folder(), path: 'cache/headers' })
    const block = await storedIndex(store, 1, small)
    await add(sink, block)
    expect(await readdir(join(root, 'cache/headers', block.meta.ulid))).toEqual(['blockgate.json', 'index-header'])
  })

  it('without a disk it does not start', async () => {
    await expect(indexHeaders().start?.(services())).rejects.toMatchObject({ code: 'unsupported' })
  })

  it('a meta without an index, or with one of an impossible size, never reaches the bucket', async () => {
    const { sink, store, bucket } = await world({ root: folder() })
    const block = await storedIndex(store, 1, small)
    for (const files of [[], [{ path: 'index', size: 80 }], [{ path: 'index', size: 65 * 2 ** 30 }]]) {
      const bad = { ...block, meta: { ...block.meta, files } }
      await expect(sink.prepare(blockContext(bad))).rejects.toMatchObject({ code: 'corrupt-block' })
    }
    expect(bucket.gets).toEqual([])
  })
})

describe('indexHeaders refuses', () => {
  it('an index that changed between two reads, and the next try may help', async () => {
    const { sink, bucket, store, services } = await world({ root: folder(), headBytes: 64, tailBytes: 64 })
    const block = await storedIndex(store, 1, small)
    const get = bucket.get.bind(bucket)
    let reads = 0
    bucket.get = async (key, options) => {
      if (++reads === 3) await store.put(key, small, { signal })
      return await get(key, options)
    }
    const error = await sink.prepare(blockContext(block)).catch(e => e)
    expect(error).toMatchObject({ code: 'bucket-failed', retryable: true })
    expect(error.rawMessage).toBe(`object "${block.path}index" changed between two reads`)
    expect(await services.files.list('')).toEqual([])
  })

  it('no index behind a proxy that gives each answer another etag', async () => {
    const { sink, bucket, store } = await world({ root: folder(), headBytes: 64, tailBytes: 64 })
    const block = await storedIndex(store, 1, small)
    const get = bucket.get.bind(bucket)
    let reads = 0
    bucket.get = async (key, options) => {
      const body = await get(key, options)
      return body && Object.assign(body, { info: { ...body.info, etag: `${++reads}`, modified: 1_700_000_000_000 } })
    }
    await using prepared = await sink.prepare(blockContext(block))
    await prepared.commit()
    expect(sink.loaded().has(block.meta.ulid)).toBe(true)
    expect(reads).toBeGreaterThan(1)
  })

  it('an index of another size than the meta says', async () => {
    const { sink, store } = await world({ root: folder() })
    const block = await storedIndex(store, 1, small)
    await store.put(`${block.path}index`, small.subarray(1), { signal })
    const error = await sink.prepare(blockContext(block)).catch(e => e)
    expect(error.message).toBe(
      `corrupt-block: file "index" must have ${small.length} bytes: current value is ${small.length - 1}`,
    )
  })

  it.each([
    ['shorter', -10, `${small.length - 10}`],
    ['longer', 10, 'more'],
  ])('a body that is %s than it was asked for, and the next try may help', async (_, change, seen) => {
    const { sink, bucket, store, services } = await world({ root: folder() })
    const block = await storedIndex(store, 1, small)
    const get = bucket.get.bind(bucket)
    bucket.get = async (key, options) => {
      const body = await get(key, options)
      if (!body) return undefined
      const bytes = new Uint8Array(small.length + change)
      return { ...body, stream: new Blob([bytes]).stream() }
    }
    const error = await sink.prepare(blockContext(block)).catch(e => e)
    expect(error).toMatchObject({ code: 'bucket-failed', retryable: true })
    expect(error.rawMessage).toContain(`must have ${small.length} bytes: current value is ${seen}`)
    expect(await services.files.list('')).toEqual([])
  })

  it.each([
    ['its magic', 0, 'index: magic at 0 must be 0xbaaad700'],
    ['its version', 4, 'index: version at 4 must be 1 or 2'],
    ['a symbol', 14, 'index: symbols at 5: '],
    ['the table', small.length - 60, 'index: postings offset table at '],
    ['its TOC', small.length - 10, 'index: TOC at '],
  ])('an index that is damaged in %s, says where, and leaves nothing', async (_, at, message) => {
    const { sink, store, services } = await world({ root: folder(), headBytes: 64, tailBytes: 64 })
    const damaged = small.slice()
    damaged[at] = (damaged[at] ?? 0) ^ 0x40
    const error = await sink.prepare(blockContext(await storedIndex(store, 1, damaged))).catch(e => e)
    expect(error.code).toBe('corrupt-block')
    expect(error.rawMessage).toContain(message)
    expect(await services.files.list('')).toEqual([])
  })

  it('a header that is larger than the free disk, before a large section is read', async () => {
    const files = (disk: LocalFiles) => ({ ...disk, free: async () => 100 })
    const { sink, bucket, store, services } = await world({ root: folder(), files, headBytes: 64, tailBytes: 64 })
    const error = await sink.prepare(blockContext(await storedIndex(store, 1, small))).catch(e => e)
    const { length } = await headerOf(small)
    expect(error.message).toBe(`disk-full: the block needs ${length} bytes: the disk has 100 free`)
    expect(bucket.gets).toHaveLength(2)
    expect(await services.files.list('')).toEqual([])
  })
})

describe('indexHeaders after a restart', () => {
  it.each([
    ['the header has another bit', async (at: string) => await flip(join(at, 'index-header'), 30)],
    ['the header is shorter', async (at: string) => await writeFile(join(at, 'index-header'), 'x')],
    ['the header is of another index', async (at: string) => await writeFile(join(at, 'index-header'), await other())],
    ['the header is missing', async (at: string) => await localFiles(at).remove('index-header')],
    ['the manifest is not JSON', async (at: string) => await writeFile(join(at, 'blockgate.json'), '{"version":1')],
  ])('a block is removed, and built again, where %s', async (_, damage) => {
    const before = await world({ root: folder() })
    const { root, sink, store, lines } = before
    const block = await storedIndex(store, 1, small)
    const good = await storedIndex(store, 2, small)
    await add(sink, block)
    await add(sink, good)
    await damage(join(root, block.meta.ulid))
    const again = await restart(before)
    expect([...again.loaded().keys()]).toEqual([good.meta.ulid])
    expect(await readdir(root)).toEqual(['.blockgate-tmp', good.meta.ulid])
    expect(lines.filter(line => line.fields.block === block.meta.ulid)).toHaveLength(1)
    await add(again, block)
    expect(again.loaded().size).toBe(2)
  })

  it('metas, bytes and fences are there without a request', async () => {
    const before = await world({ root: folder() })
    const blocks = await indexedBlocks(before.store, 40)
    for (const [i, block] of blocks.entries()) await add(before.sink, block, i + 1)
    const { gets } = before.bucket
    expect(gets).toHaveLength(40)
    const again = await restart(before)
    expect(again.loaded().size).toBe(40)
    for (const [id, loaded] of before.sink.loaded()) expect(again.loaded().get(id)).toEqual(loaded)
    expect(again.loaded().get(testId(7))?.fence).toBe(7)
    expect(before.bucket.gets).toHaveLength(40)
  })
})

async function flip(path: string, at: number): Promise<void> {
  const bytes = await readFile(path)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  await writeFile(path, bytes)
}
