import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { blockContext, fakeHost, memoryBucket, services, storedBlocks } from 'blockgate/testing'
import { expect, it } from 'vitest'
import { directory } from '../../plugins/sink/directory/index.ts'
import { fileState, localFiles } from '../../src/runtime/node.ts'
import { smallDisk } from '../support/small-disk.ts'
import { tempFolders } from '../support/temp-folders.ts'

const root = tempFolders()()
const { signal } = new AbortController()
const MB = 1024 * 1024

smallDisk(root, 2 * MB)

it('a write that fills the disk is disk-full, says what it was writing, and leaves nothing', async () => {
  const files = localFiles(root)
  async function* body() {
    for (;;) yield new Uint8Array(100_000)
  }
  const error = await files.writeAtomic('a', body(), signal).catch(e => e)
  expect(error.message).toBe('disk-full: cannot write "a": the disk is full (ENOSPC)')
  expect(await readdir(root)).toEqual([])
  expect(await files.free()).toBe(2 * MB)
})

it('a state document that does not fit leaves the old one', async () => {
  const state = fileState(root, fakeHost().log)
  await state.set('a', 'old')
  await expect(state.set('a', 'x'.repeat(3 * MB))).rejects.toMatchObject({ code: 'disk-full' })
  expect(await state.get('a')).toBe('old')
  expect(await readdir(join(root, 'state'))).toEqual(['a.json'])
  await state.delete('a')
})

it('a block that fills the disk is disk-full and leaves nothing; those that show go on, and it fits when one of them goes', async () => {
  const disk = localFiles(root)
  // As if another block, or another process, took the room after it was looked at.
  const files = { ...disk, free: async () => 1000 * MB }
  const bucket = memoryBucket()
  const [first, second] = await storedBlocks(bucket, { chunkBytes: 600_000 })
  if (!first || !second) throw new Error('two blocks')
  const sink = directory()
  await sink.start?.(services({ bucket, files }))
  const add = async (block: typeof first) => {
    const prepared = await sink.prepare(blockContext(block))
    await prepared.commit()
    await prepared[Symbol.asyncDispose]()
  }
  await add(first)
  const before = await disk.list('blocks')
  const error = await add(second).catch(e => e)
  expect(error.code).toBe('disk-full')
  expect(error.rawMessage).toContain(second.meta.ulid)
  expect([...sink.loaded().keys()]).toEqual([first.meta.ulid])
  expect(await disk.list('blocks')).toEqual(before)
  expect(await readdir(join(root, 'blocks/.blockgate-tmp'))).toEqual([])
  const reader = sink.open?.(first.meta.ulid)
  expect((await reader?.files.read('index', 0, 5001, signal))?.length).toBe(5001)
  reader?.[Symbol.dispose]()
  await sink.drop(first.meta.ulid, signal)
  await add(second)
  expect([...sink.loaded().keys()]).toEqual([second.meta.ulid])
})
