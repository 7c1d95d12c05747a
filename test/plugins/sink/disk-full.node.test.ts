import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { LocalFiles } from 'blockgate'
import { fakeHost, storedBlocks } from 'blockgate/testing'
import { expect, it } from 'vitest'
import { fileState, localFiles } from '../../../src/runtime/node.ts'
import { indexFile } from '../../support/index-file.ts'
import { storedIndex } from '../../support/indexed-blocks.ts'
import { smallDisk } from '../../support/small-disk.ts'
import { tempFolders } from '../../support/temp-folders.ts'
import { add, directoryWorld, headersWorld, signal, type World } from './sink-world.ts'

const root = tempFolders()()
const MB = 1024 * 1024

smallDisk(root, 2 * MB)

it('a write that fills the disk is disk-full, says what it was writing, and leaves nothing', async () => {
  const files = localFiles(root)
  async function* body() {
    for (;;) yield new Uint8Array(100_000)
  }
  const error = await files.writeAtomic('a', body(), signal).catch(e => e)
  expect(error.message).toBe('disk-full: cannot write "a": ENOSPC: no space left on device')
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

const index = indexFile({ series: [[['a', 'x'.repeat(600_000)]]] })
// As if another block, or another process, took the room after it was looked at.
const files = (disk: LocalFiles): LocalFiles => ({ ...disk, free: async () => 1000 * MB })
it.each([
  [
    'directory',
    () => directoryWorld({ root, files }),
    ({ store }: World) => storedBlocks(store, { chunkBytes: 600_000 }),
    'blocks/.blockgate-tmp',
  ],
  [
    'index-headers',
    () => headersWorld({ root, files }),
    ({ store }: World) => Promise.all([1, 2].map(n => storedIndex(store, n, index))),
    '.blockgate-tmp',
  ],
] as const)(
  '%s: a block that fills the disk is disk-full and leaves nothing; those that show stay, and it fits when one goes',
  async (_, make, blocks, temp) => {
    const made = await make()
    const { sink } = made
    const [first, second] = await blocks(made)
    if (!first || !second) throw new Error('two blocks')
    await add(sink, first)
    const before = await made.paths()
    const error = await made.refused(second)
    expect(error.code).toBe('disk-full')
    expect(error.rawMessage).toContain(second.meta.ulid)
    expect([made.ids(), await made.paths()]).toEqual([[first.meta.ulid], before])
    expect(await readdir(join(root, temp))).toEqual([])
    using reader = sink.open?.(first.meta.ulid)
    if (reader) expect((await reader.files.read('index', 0, 5001, signal)).length).toBe(5001)
    reader?.[Symbol.dispose]()
    expect([...(await made.restart()).loaded().keys()]).toEqual([first.meta.ulid])
    await sink.drop(first.meta.ulid, signal)
    await add(sink, second)
    expect(made.ids()).toEqual([second.meta.ulid])
    await sink.drop(second.meta.ulid, signal)
  },
)
