import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { blockContext, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { localFiles } from '../../../src/runtime/node.ts'
import { headerOf } from '../../support/header-of.ts'
import { storedIndex } from '../../support/indexed-blocks.ts'
import { tempFolders } from '../../support/temp-folders.ts'
import { add, other, restart, small, world } from './index-headers-world.ts'

const folder = tempFolders()
const { signal } = new AbortController()
describe('a Thanos data folder', () => {
  /** As Thanos leaves it: only the header, no manifest. */
  async function thanosFolder(n: number, header: Uint8Array, more: Readonly<Record<string, string>> = {}) {
    const root = folder()
    await mkdir(join(root, testId(n)))
    await writeFile(join(root, testId(n), 'index-header'), header)
    for (const [name, text] of Object.entries(more)) await writeFile(join(root, testId(n), name), text)
    return root
  }

  it('is taken over without a request once its blocks are offered, and not before', async () => {
    const root = await thanosFolder(1, await headerOf(small), { 'index-header.tmp': 'x' })
    const there = await world({ root })
    const { sink, bucket, store, lines } = there
    const block = await storedIndex(store, 1, small)
    expect([...sink.loaded().keys()]).toEqual([])
    expect(lines.map(line => [line.message, line.fields])).toEqual([
      ['index-headers of a Thanos store are imported as their blocks are offered', { blocks: 1 }],
    ])
    await add(sink, block, 3)
    expect(bucket.gets).toEqual([])
    expect(sink.loaded().get(block.meta.ulid)).toEqual({
      meta: block.meta,
      bytes: (await headerOf(small)).length,
      fence: 3,
    })
    expect(await readdir(join(root, '.blockgate-tmp'))).toEqual([])
    const again = await restart(there)
    expect([...again.loaded()]).toEqual([...sink.loaded()])
    await again.drop(block.meta.ulid, signal)
    expect(await readdir(root)).toEqual(['.blockgate-tmp'])
    await add(again, block)
    expect(bucket.gets).toHaveLength(1)
  })

  it('is as it was where the block is prepared and not committed, and can be taken over later', async () => {
    const root = await thanosFolder(1, await headerOf(small))
    const { sink, bucket, store, services } = await world({ root })
    const before = await services.files.list('')
    const block = await storedIndex(store, 1, small)
    const prepared = await sink.prepare(blockContext(block))
    await prepared[Symbol.asyncDispose]()
    await prepared[Symbol.asyncDispose]()
    expect(await services.files.list('')).toEqual(before)
    await expect(prepared.commit()).rejects.toMatchObject({ code: 'stage-misuse' })
    await add(sink, block)
    expect(bucket.gets).toEqual([])
  })

  it.each([
    ['is damaged', async () => (await headerOf(small)).fill(1, 20, 21)],
    ['is of another index', other],
    ['is empty', async () => new Uint8Array()],
  ])('has a header that %s: it is removed and built again', async (_, header) => {
    const root = await thanosFolder(1, await header())
    const { sink, bucket, store, lines } = await world({ root })
    await add(sink, await storedIndex(store, 1, small))
    expect(bucket.gets).toHaveLength(1)
    expect(lines.at(-1)?.message).toBe('a damaged index-header is removed from the disk and built again')
    expect(Buffer.compare(await readFile(join(root, testId(1), 'index-header')), await headerOf(small))).toBe(0)
  })

  it('has what a killed Thanos left behind, without a header: it is removed and built', async () => {
    const root = await thanosFolder(1, new Uint8Array(), { '0b0f6a0e-8f0c-4a43-9d5c-000000000000.part-3': 'x' })
    await localFiles(root).remove(`${testId(1)}/index-header`)
    const { sink, bucket, store } = await world({ root })
    await add(sink, await storedIndex(store, 1, small))
    expect(bucket.gets).toHaveLength(1)
    expect(await readdir(join(root, testId(1)))).toEqual(['blockgate.json', 'index-header'])
  })

  it('has the block of a Prometheus instead: it is never touched, and the block says why it is not loaded', async () => {
    const root = await thanosFolder(1, await headerOf(small), { index: 'x', 'meta.json': '{}' })
    const { sink, store, bucket, lines, services } = await world({ root })
    const before = await services.files.list('')
    const error = await sink.prepare(blockContext(await storedIndex(store, 1, small))).catch(e => e)
    expect(error.message).toBe(
      `disk-failed: folder "${testId(1)}" is in the way of this block: this sink did not make index, meta.json`,
    )
    expect(lines.map(({ level, fields }) => [level, fields])).toEqual([
      ['warn', { blocks: testId(1), files: `${testId(1)}/index, ${testId(1)}/meta.json` }],
    ])
    expect(bucket.gets).toEqual([])
    expect(await services.files.list('')).toEqual(before)
  })

  it.each(['sparse-index-header', 'sparse-index-header.tmp', 'index.cache.json'])(
    "is one also where it is Mimir's, or an old one: %s is not foreign",
    async name => {
      const root = await thanosFolder(1, await headerOf(small), { [name]: 'x' })
      const { sink, bucket, store, lines } = await world({ root })
      await add(sink, await storedIndex(store, 1, small))
      expect(bucket.gets).toEqual([])
      expect(lines.map(({ level }) => level)).toEqual(['info'])
      await sink.drop(testId(1), signal)
      expect(await readdir(root)).toEqual(['.blockgate-tmp'])
    },
  )

  it('tells of many foreign files in one line: a few names, and how many more', async () => {
    const root = folder()
    for (let n = 1; n <= 7; n++) {
      await mkdir(join(root, testId(n), 'chunks'), { recursive: true })
      await writeFile(join(root, testId(n), 'chunks/000001'), 'x')
    }
    const { lines } = await world({ root })
    expect(lines).toHaveLength(1)
    expect(lines[0]?.fields.blocks).toBe(`${[1, 2, 3, 4, 5].map(n => testId(n)).join(', ')} and 2 more`)
    expect(lines[0]?.fields.files).toContain(`${testId(1)}/chunks/000001, `)
  })

  it('is taken over by one of two attempts; the other builds a header of its own', async () => {
    const root = await thanosFolder(1, await headerOf(small))
    const there = await world({ root })
    const { sink, bucket, store } = there
    const block = await storedIndex(store, 1, small)
    const [first, second] = await Promise.all([sink.prepare(blockContext(block)), sink.prepare(blockContext(block))])
    expect(bucket.gets).toHaveLength(1)
    for (const prepared of [first, second]) {
      await prepared?.commit()
      await prepared?.[Symbol.asyncDispose]()
    }
    await sink.stop?.(signal)
    expect(await readdir(join(root, '.blockgate-tmp'))).toEqual([])
    expect([...(await restart(there)).loaded()]).toEqual([...sink.loaded()])
  })

  it('keeps all else that is in it', async () => {
    const root = await thanosFolder(1, await headerOf(small))
    await mkdir(join(root, 'meta-syncer', testId(1)), { recursive: true })
    await writeFile(join(root, 'meta-syncer', testId(1), 'meta.json'), '{}')
    const { sink, store } = await world({ root })
    await add(sink, await storedIndex(store, 1, small))
    await sink.drop(testId(1), signal)
    expect(await readFile(join(root, 'meta-syncer', testId(1), 'meta.json'), 'utf8')).toBe('{}')
  })
})
