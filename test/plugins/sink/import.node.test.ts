import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { blockContext, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { headerOf } from '../../support/header-of.ts'
import { storedIndex } from '../../support/indexed-blocks.ts'
import { tempFolders } from '../../support/temp-folders.ts'
import { add, hasHeaderOf, headersWorld, otherHeader, signal, small } from './sink-world.ts'

const folder = tempFolders()
const id = testId(1)

/** Block 1 in the bucket, and files in its folder on the disk as another program leaves them, without a manifest. */
async function world(files: Readonly<Record<string, string | Uint8Array>>) {
  const root = folder()
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, id, name)), { recursive: true })
    await writeFile(join(root, id, name), text)
  }
  const made = await headersWorld({ root })
  return { ...made, block: await storedIndex(made.store, 1, small) }
}

const header = await headerOf(small)
const other = await otherHeader()

describe('a Thanos data folder', () => {
  it('is imported without a request once its blocks are offered, and not before', async () => {
    const there = await world({ 'index-header': header, 'index-header.tmp': 'x' })
    const { root, sink, bucket, lines, block } = there
    expect(there.ids()).toEqual([])
    const message = 'index-headers of a Thanos store are imported as their blocks are offered'
    expect(lines).toMatchObject([{ level: 'info', message, fields: { blocks: 1 } }])
    await add(sink, block, 3)
    expect(bucket.gets).toEqual([])
    expect(sink.loaded().get(id)).toEqual({ meta: block.meta, bytes: header.length, fence: 3 })
    expect(await readdir(join(root, '.blockgate-tmp'))).toEqual([])
    const again = await there.restart()
    expect([...again.loaded()]).toEqual([...sink.loaded()])
    await again.drop(id, signal)
    expect(await readdir(root)).toEqual(['.blockgate-tmp'])
    await add(again, block)
    expect(bucket.gets).toHaveLength(1)
  })

  it('is as it was where the block is prepared and not committed, and can be imported later', async () => {
    const { sink, bucket, paths, block } = await world({ 'index-header': header })
    const prepared = await sink.prepare(blockContext(block))
    await prepared[Symbol.asyncDispose]()
    await prepared[Symbol.asyncDispose]()
    expect(await paths()).toEqual([`${id}/index-header`])
    await expect(prepared.commit()).rejects.toMatchObject({ code: 'stage-misuse' })
    await add(sink, block)
    expect(bucket.gets).toEqual([])
  })

  const damaged = 'a damaged index-header is removed from the disk and built again'
  const imports = 'index-headers of a Thanos store are imported as their blocks are offered'
  it.each<[string, Parameters<typeof world>[0], string]>([
    ['a damaged header', { 'index-header': header.slice().fill(1, 20, 21) }, damaged],
    ['the header of another index', { 'index-header': other }, damaged],
    ['an empty header', { 'index-header': '' }, damaged],
    ['parts of a download only', { '0b0f6a0e-8f0c-4a43-9d5c-000000000000.part-3': 'x' }, imports],
  ])('with %s is removed, and the header is built', async (_, files, said) => {
    const { root, sink, bucket, paths, lines, block } = await world(files)
    await add(sink, block)
    expect(bucket.gets).toHaveLength(1)
    expect(lines.at(-1)?.message).toBe(said)
    expect(await hasHeaderOf(small, root, id)).toBe(true)
    expect(await paths()).toEqual([`${id}/blockgate.json`, `${id}/index-header`])
  })

  it('that somebody removes after the start is no longer in the way', async () => {
    const { root, sink, bucket, block, refused } = await world({ 'index-header': header, index: 'x' })
    expect((await refused(block)).code).toBe('disk-failed')
    await rm(join(root, id), { recursive: true })
    await add(sink, block)
    expect(bucket.gets).toHaveLength(1)
  })

  it('with the block of a Prometheus is never touched, and the block says why it is not loaded', async () => {
    const { paths, bucket, lines, block, refused } = await world({
      'index-header': header,
      index: 'x',
      'meta.json': '{}',
    })
    const before = await paths()
    expect((await refused(block)).message).toBe(
      `disk-failed: folder "${id}" is in the way of this block: this sink did not make index, meta.json`,
    )
    expect(lines).toMatchObject([{ level: 'warn', fields: { blocks: id, files: `${id}/index, ${id}/meta.json` } }])
    expect([bucket.gets, await paths()]).toEqual([[], before])
  })

  it.each(['sparse-index-header', 'sparse-index-header.tmp', 'index.cache.json'])(
    "is one also where it is Mimir's, or an old one: %s may go",
    async name => {
      const { root, sink, bucket, lines, block } = await world({ 'index-header': header, [name]: 'x' })
      await add(sink, block)
      expect([bucket.gets, lines.map(({ level }) => level)]).toEqual([[], ['info']])
      await sink.drop(id, signal)
      expect(await readdir(root)).toEqual(['.blockgate-tmp'])
    },
  )

  it('tells of many files that are in the way in one line: a few names, and how many more', async () => {
    const root = folder()
    for (let n = 1; n <= 7; n++) {
      await mkdir(join(root, testId(n), 'chunks'), { recursive: true })
      await writeFile(join(root, testId(n), 'chunks/000001'), 'x')
    }
    const { lines } = await headersWorld({ root })
    expect(lines).toHaveLength(1)
    expect(lines[0]?.fields.blocks).toBe(`${[1, 2, 3, 4, 5].map(n => testId(n)).join(', ')} and 2 more`)
    expect(lines[0]?.fields.files).toContain(`${id}/chunks/000001, `)
  })

  it('is imported by one of two attempts; the other builds a header of its own', async () => {
    const there = await world({ 'index-header': header })
    const { root, sink, bucket, block } = there
    const [first, second] = await Promise.all([sink.prepare(blockContext(block)), sink.prepare(blockContext(block))])
    expect(bucket.gets).toHaveLength(1)
    for (const prepared of [first, second]) {
      await prepared?.commit()
      await prepared?.[Symbol.asyncDispose]()
    }
    await sink.stop?.(signal)
    expect(await readdir(join(root, '.blockgate-tmp'))).toEqual([])
    expect([...(await there.restart()).loaded()]).toEqual([...sink.loaded()])
  })

  it('keeps all else that is in it', async () => {
    const { root, sink, block } = await world({ 'index-header': header, [`../meta-syncer/${id}/meta.json`]: '{}' })
    await add(sink, block)
    await sink.drop(id, signal)
    expect(await readFile(join(root, 'meta-syncer', id, 'meta.json'), 'utf8')).toBe('{}')
  })
})
