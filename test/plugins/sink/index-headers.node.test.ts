import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LocalFiles } from 'blockgate'
import { services, testSink } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { indexHeaders } from '../../../plugins/sink/index-headers/index.ts'
import { localFiles, nodeHost } from '../../../src/runtime/node.ts'
import { headerOf } from '../../support/header-of.ts'
import { indexFile } from '../../support/index-file.ts'
import { indexedBlocks, storedIndex } from '../../support/indexed-blocks.ts'
import { tempFolders } from '../../support/temp-folders.ts'
import { add, hasHeaderOf, headersWorld, signal, small } from './sink-world.ts'

const folder = tempFolders()
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

/** A world that reads 64 bytes of each end, and a small block in its bucket. */
async function world(given: Partial<Parameters<typeof headersWorld>[0]> = {}, index = small) {
  const made = await headersWorld({ root: folder(), headBytes: 64, tailBytes: 64, ...given })
  const block = await storedIndex(made.store, 1, index)
  return { ...made, block, id: block.meta.ulid, get: made.bucket.get.bind(made.bucket) }
}

describe('indexHeaders', () => {
  it.each(['', 'cache/headers'])(
    'puts the header and a manifest into the folder of the block below "%s"',
    async path => {
      const { root, sink, block, id, paths } = await world({ path })
      await add(sink, block)
      const at = join(path, id)
      expect(await paths()).toEqual([`${at}/blockgate.json`, `${at}/index-header`])
      const { length } = await headerOf(small)
      expect(await hasHeaderOf(small, join(root, path), id)).toBe(true)
      expect(sink.loaded().get(id)?.bytes).toBe(length)
      const manifest = JSON.parse(await readFile(join(root, at, 'blockgate.json'), 'utf8'))
      expect(manifest).toMatchObject({ sink: 'index-headers', bytes: length, meta: { ulid: id } })
    },
  )

  it('without a disk it does not start', async () => {
    await expect(indexHeaders().start?.(services())).rejects.toMatchObject({ code: 'unsupported' })
  })

  it('a meta without an index, or with one of an impossible size, never reaches the bucket', async () => {
    const { block, bucket, refused } = await world()
    for (const files of [[], [{ path: 'index', size: 80 }], [{ path: 'index', size: 65 * 2 ** 30 }]]) {
      expect((await refused({ ...block, meta: { ...block.meta, files } })).code).toBe('corrupt-block')
    }
    expect(bucket.gets).toEqual([])
  })

  it('the bytes that go to the disk are right also where it writes them later', async () => {
    const later = (disk: LocalFiles): LocalFiles => ({
      ...disk,
      async writeAtomic(path, body, signal) {
        const parts: Uint8Array[] = []
        if (body instanceof Uint8Array) parts.push(body)
        else for await (const part of body) parts.push(part)
        await disk.writeAtomic(path, Buffer.concat(parts), signal)
      },
    })
    const index = indexFile({ series: [[['a', '1']]], moreSymbols: [`b${'x'.repeat(100_000)}`, 'c'.repeat(50_000)] })
    const { root, sink, block, id } = await world({ files: later, headBytes: 50_000 }, index)
    await add(sink, block)
    expect(await hasHeaderOf(index, root, id)).toBe(true)
  })
})

describe('indexHeaders refuses', () => {
  it('an index that changed between two reads, and the next try may help', async () => {
    const { bucket, store, block, get, refused, paths } = await world()
    let reads = 0
    bucket.get = async (key, options) => {
      if (++reads === 3) await store.put(key, small, { signal })
      return await get(key, options)
    }
    const error = await refused(block)
    expect(error).toMatchObject({ code: 'bucket-failed', retryable: true })
    expect(error.rawMessage).toBe(`object "${block.path}index" changed between two reads`)
    expect(await paths()).toEqual([])
  })

  it('no index behind a proxy that gives each answer another etag', async () => {
    const { sink, bucket, block, get, ids } = await world()
    let reads = 0
    bucket.get = async (key, options) => {
      const body = await get(key, options)
      return body && Object.assign(body, { info: { ...body.info, etag: `${++reads}`, modified: 1_700_000_000_000 } })
    }
    await add(sink, block)
    expect([ids(), reads > 1]).toEqual([[block.meta.ulid], true])
  })

  it('an index of another size than the meta says', async () => {
    const { store, block, refused } = await world()
    await store.put(`${block.path}index`, small.subarray(1), { signal })
    const [must, is] = [small.length, small.length - 1]
    expect((await refused(block)).message).toBe(
      `corrupt-block: file "index" must have ${must} bytes: current value is ${is}`,
    )
  })

  it.each([
    ['shorter', -10, `${small.length - 10}`],
    ['longer', 10, 'more'],
  ])('a body that is %s than it was asked for, and the next try may help', async (_, change, seen) => {
    const { bucket, block, get, refused, paths } = await world({ headBytes: 100_000 })
    bucket.get = async (key, options) => {
      const body = await get(key, options)
      return body && { ...body, stream: new Blob([new Uint8Array(small.length + change)]).stream() }
    }
    const error = await refused(block)
    expect(error).toMatchObject({ code: 'bucket-failed', retryable: true })
    expect(error.rawMessage).toContain(`must have ${small.length} bytes: current value is ${seen}`)
    expect(await paths()).toEqual([])
  })

  it.each([
    ['its magic', 0, 'index: magic at 0 must be 0xbaaad700'],
    ['its version', 4, 'index: version at 4 must be 1 or 2'],
    ['a symbol', 14, 'index: symbols at 5: '],
    ['the table', small.length - 60, 'index: postings offset table at '],
    ['its TOC', small.length - 10, 'index: TOC at '],
  ])('an index that is damaged in %s, says where, and leaves nothing', async (_, at, message) => {
    const damaged = small.slice()
    damaged[at] = (damaged[at] ?? 0) ^ 0x40
    const { block, refused, paths } = await world({}, damaged)
    const error = await refused(block)
    expect(error.code).toBe('corrupt-block')
    expect(error.rawMessage).toContain(message)
    expect(await paths()).toEqual([])
  })

  it('a header that is larger than the free disk, before a large section is read', async () => {
    const { bucket, block, refused, paths } = await world({ files: disk => ({ ...disk, free: async () => 100 }) })
    const { length } = await headerOf(small)
    expect((await refused(block)).message).toBe(`disk-full: the block needs ${length} bytes: the disk has 100 free`)
    expect([bucket.gets.length, await paths()]).toEqual([2, []])
  })
})
