import { expect, it } from 'vitest'
import { FolderSync } from '../../src/runtime/disk/folder-sync.ts'

it('all that is asked for during an fsync of a folder shares the next one, and folders do not wait for each other', async () => {
  const begun: string[] = []
  const ends: PromiseWithResolvers<void>[] = []
  const folders = new FolderSync(folder => {
    begun.push(folder)
    const end = Promise.withResolvers<void>()
    ends.push(end)
    return end.promise
  })
  const done: string[] = []
  const first = folders.sync('a').then(() => done.push('first'))
  const later = ['second', 'third', 'fourth'].map(name => folders.sync('a').then(() => done.push(name)))
  const other = folders.sync('b')
  expect(begun).toEqual(['a', 'b'])
  ends[0]?.resolve()
  await first
  expect(done).toEqual(['first'])
  later.push(folders.sync('a').then(() => done.push('fifth')))
  expect(begun).toEqual(['a', 'b', 'a'])
  ends[2]?.reject(new Error('EIO'))
  for (const failed of later.slice(0, 3)) await expect(failed).rejects.toThrow('EIO')
  expect(begun).toEqual(['a', 'b', 'a', 'a'])
  ends[3]?.resolve()
  await later[3]
  ends[1]?.resolve()
  await other
  const again = folders.sync('a')
  ends[4]?.resolve()
  await again
})
