import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LocalFiles } from 'blockgate'
import { expect, it } from 'vitest'
import { headerOf } from '../../support/header-of.ts'
import { indexFile } from '../../support/index-file.ts'
import { storedIndex } from '../../support/indexed-blocks.ts'
import { smallDisk } from '../../support/small-disk.ts'
import { tempFolders } from '../../support/temp-folders.ts'
import { add, restart, world } from './index-headers-world.ts'

const root = tempFolders()()
const { signal } = new AbortController()
const MB = 1024 * 1024

smallDisk(root, 2 * MB)

it('a header that fills the disk is disk-full and leaves nothing; those that show stay, and it fits when one goes', async () => {
  // As if another process took the room after it was looked at.
  const files = (disk: LocalFiles): LocalFiles => ({ ...disk, free: async () => 1000 * MB })
  const there = await world({ root, files })
  const { sink, store, services } = there
  const index = indexFile({ series: [[['a', 'x'.repeat(600_000)]]] })
  const [first, second] = [await storedIndex(store, 1, index), await storedIndex(store, 2, index)]
  await add(sink, first)
  const before = await services.files.list('')
  const error = await add(sink, second).catch(e => e)
  expect(error.code).toBe('disk-full')
  expect(error.rawMessage).toContain(second.meta.ulid)
  expect([...sink.loaded().keys()]).toEqual([first.meta.ulid])
  expect(await services.files.list('')).toEqual(before)
  expect(await readdir(join(root, '.blockgate-tmp'))).toEqual([])
  expect([...(await restart(there)).loaded().keys()]).toEqual([first.meta.ulid])
  await sink.drop(first.meta.ulid, signal)
  await add(sink, second)
  expect(Buffer.compare(await readFile(join(root, second.meta.ulid, 'index-header')), await headerOf(index))).toBe(0)
})
