/** Blocks that are loaded ahead: kept on the disk, shown nowhere, and added without a request. */
import { readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Candidate, held } from 'blockgate'
import { blockContext, settle } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { indexedBlocks } from '../../support/indexed-blocks.ts'
import { tempFolders } from '../../support/temp-folders.ts'
import { add, headersWorld, otherHeader, signal } from './sink-world.ts'

const folder = tempFolders()

/** `count` blocks, and a started sink that has the first `ahead` of them warm; nothing is counted before. */
async function world(count: number, ahead: number, files?: Parameters<typeof headersWorld>[0]['files']) {
  const made = await headersWorld({ root: folder(), ...(files && { files }) })
  const blocks = await indexedBlocks(made.store, count)
  const warm = made.sink.warm
  if (!warm) throw new Error('the sink must keep blocks warm')
  for (const block of blocks.slice(0, ahead)) await warm.keep(blockContext(block))
  made.bucket.gets.length = 0
  const folderOf = ({ meta }: Candidate) => join(made.root, '.blockgate-warm', meta.ulid)
  const isWarm = (block: Candidate) => warm.held.has(block.meta.ulid)
  return { ...made, blocks: blocks as readonly [Candidate, Candidate, Candidate], warm, isWarm, folderOf }
}

describe('a block that index-headers has warm', () => {
  it('does not show, also after a restart, and is added without a request', async () => {
    const { sink, blocks, bucket, warm, isWarm, paths, restart, root } = await world(3, 2)
    const [block, other] = blocks
    expect([sink.loaded().size, sink.open?.(block.meta.ulid), warm.held.size]).toEqual([0, undefined, 2])
    const expected = await readFile(join(root, '.blockgate-warm', block.meta.ulid, 'index-header'))
    await add(sink, block)
    expect([bucket.gets, bucket.others, isWarm(block), warm.hits]).toEqual([[], [], false, 1])
    expect(sink.loaded().get(block.meta.ulid)?.bytes).toBe(expected.length)
    expect(await readFile(join(root, block.meta.ulid, 'index-header'))).toEqual(expected)
    const again = await restart()
    expect([[...again.loaded().keys()], [...(again.warm?.held.keys() ?? [])]]).toEqual([
      [block.meta.ulid],
      [other.meta.ulid],
    ])
    await add(again, other)
    expect([bucket.gets, again.loaded().size, (await paths()).filter(path => path.startsWith('.'))]).toEqual([
      [],
      2,
      [],
    ])
  })

  it('has the fence and the meta with which it is added', async () => {
    const { sink, blocks, bucket, restart } = await world(2, 2)
    const [block, other] = blocks
    await add(sink, block, 7)
    const relabelled = { ...other, meta: { ...other.meta, source: 'compactor' } }
    await add(sink, relabelled)
    const again = await restart()
    expect(bucket.gets).toEqual([])
    expect(again.loaded().get(block.meta.ulid)?.fence).toBe(7)
    expect(again.loaded().get(other.meta.ulid)).toMatchObject({ meta: { source: 'compactor' }, fence: undefined })
  })

  it.each([
    [
      'a byte in its middle',
      async (path: string) => {
        const bytes = await readFile(path)
        bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
        await writeFile(path, bytes)
      },
    ],
    ['its end', async (path: string) => await truncate(path, 100)],
    ['all of it: it is that of another block', async (path: string) => await writeFile(path, await otherHeader())],
  ])('is loaded as any other where damaged in %s, and is not before the restart either', async (_, damage) => {
    for (const restarts of [false, true]) {
      const { sink, blocks, bucket, lines, folderOf, restart, root, warm } = await world(1, 1)
      const [block] = blocks
      const before = await readFile(join(folderOf(block), 'index-header'))
      await damage(join(folderOf(block), 'index-header'))
      const used = restarts ? await restart() : sink
      await add(used, block)
      expect(bucket.gets).toHaveLength(1)
      expect(lines.map(({ message }) => message)).toEqual([expect.stringContaining('loaded ahead is damaged')])
      expect(await readFile(join(root, block.meta.ulid, 'index-header'))).toEqual(before)
      expect([warm.hits, used.warm?.hits]).toEqual([0, 0])
    }
  })

  it('stays warm where its add is not committed', async () => {
    const { sink, blocks, bucket, isWarm } = await world(1, 1)
    const [block] = blocks
    const prepared = await sink.prepare(blockContext(block, { lease: { ...held, fence: 3 } }))
    expect([prepared.warm, isWarm(block)]).toEqual([true, false])
    await prepared[Symbol.asyncDispose]()
    expect([isWarm(block), sink.loaded().size]).toEqual([true, 0])
    await add(sink, block)
    expect([bucket.gets, sink.loaded().size]).toEqual([[], 1])
  })

  it('is waited for where it is on its way: one load serves both', async () => {
    const { sink, blocks, bucket, warm } = await world(1, 0)
    const [block] = blocks
    const keeping = warm.keep(blockContext(block))
    await Promise.all([keeping, warm.keep(blockContext(block)), add(sink, block)])
    expect([bucket.gets.length, sink.loaded().size, warm.held.size, warm.hits]).toEqual([1, 1, 0, 1])
  })

  it('leaves nothing where its load fails or is aborted, and nobody waits for ever', async () => {
    const { sink, blocks, bucket, warm, paths } = await world(1, 0)
    const [block] = blocks
    const get = bucket.get.bind(bucket)
    bucket.get = async () => {
      throw new Error('503')
    }
    await expect(warm.keep(blockContext(block))).rejects.toThrow('503')
    await expect(warm.keep(blockContext(block, { signal: AbortSignal.abort(new Error('enough')) }))).rejects.toThrow()
    expect([await paths(), warm.held.size]).toEqual([[], 0])
    bucket.get = get
    await add(sink, block)
    expect(sink.loaded().size).toBe(1)
  })

  it('goes from the disk when it is forgotten, the last one first', async () => {
    const { sink, blocks, warm, paths } = await world(3, 3)
    const [first] = blocks
    warm.shrink(warm.held.get(first.meta.ulid) ?? 0)
    expect([...warm.held.keys()]).toEqual([first.meta.ulid])
    warm.shrink(Number.POSITIVE_INFINITY)
    warm.forget(first.meta.ulid)
    expect(warm.held.size).toBe(0)
    await sink.stop?.(signal)
    expect(await paths()).toEqual([])
  })

  it('goes first where the disk is full, and is off it before anything is written', async () => {
    let room = 1_000
    let isFull = false
    const { sink, blocks, warm, paths, refused } = await world(3, 2, files => ({
      ...files,
      async free() {
        const { length } = await files.list('.blockgate-warm')
        return length > 0 && isFull ? 10 : room
      },
    }))
    isFull = true
    await add(sink, blocks[2])
    expect([sink.loaded().size, warm.held.size]).toEqual([1, 0])
    expect((await paths()).filter(path => path.includes('warm'))).toEqual([])
    room = 10
    expect((await refused(blocks[0])).code).toBe('disk-full')
  })

  it('is what is left of one that was dropped, where that is asked for and there is room', async () => {
    const { sink, blocks, bucket, warm, isWarm, paths, restart } = await world(3, 0)
    const [block, other, third] = blocks
    for (const each of blocks) await add(sink, each, 4)
    bucket.gets.length = 0
    await sink.drop(third.meta.ulid, signal)
    expect([warm.held.size, (await paths()).length]).toEqual([0, 4])
    warm.keepDropped?.(sink.loaded().get(block.meta.ulid)?.bytes ?? 0)
    const reader = sink.open?.(block.meta.ulid)
    const dropping = sink.drop(block.meta.ulid, signal)
    await settle()
    expect([sink.loaded().has(block.meta.ulid), isWarm(block)]).toEqual([false, false])
    // It is read on until its reader is closed.
    expect((await reader?.files.read('index-header', 0, 4, signal))?.length).toBe(4)
    reader?.[Symbol.dispose]()
    await dropping
    expect(isWarm(block)).toBe(true)
    await sink.drop(other.meta.ulid, signal)
    expect([...warm.held.keys()]).toEqual([block.meta.ulid])
    const again = await restart()
    await add(again, block, 9)
    expect([bucket.gets, again.loaded().get(block.meta.ulid)?.fence]).toEqual([[], 9])
  })

  it('is none of one that was dropped for a damage, or is loaded again before its last reader closed', async () => {
    const { sink, blocks, warm, isWarm, paths } = await world(1, 0)
    const [block] = blocks
    warm.keepDropped?.(1_000_000)
    await add(sink, block)
    const damaged = sink.damaged?.() as unknown as Set<string>
    damaged.add(block.meta.ulid)
    await sink.drop(block.meta.ulid, signal)
    expect([isWarm(block), await paths()]).toEqual([false, []])
    await add(sink, block)
    const reader = sink.open?.(block.meta.ulid)
    const dropping = sink.drop(block.meta.ulid, signal)
    await add(sink, block)
    reader?.[Symbol.dispose]()
    await dropping
    expect([isWarm(block), (await paths()).filter(path => path.startsWith('.'))]).toEqual([false, []])
  })

  it('is counted by the disk budget before it is added, and stays where it does not fit', async () => {
    const { sink, blocks, isWarm } = await world(1, 1)
    const [block] = blocks
    const reserve = () => {
      throw new Error('no room')
    }
    await expect(sink.prepare({ ...blockContext(block), reserve })).rejects.toThrow('no room')
    await settle()
    expect([isWarm(block), sink.loaded().size]).toEqual([true, 0])
  })
})
