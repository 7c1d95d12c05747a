import { describe, expect, it } from 'vitest'
import { FolderSync } from '../../src/runtime/disk/folder-sync.ts'

/** An fsync that ends when the test says so. */
function controlled() {
  const begun: string[] = []
  const ends: PromiseWithResolvers<void>[] = []
  const folders = new FolderSync(folder => {
    begun.push(folder)
    const end = Promise.withResolvers<void>()
    ends.push(end)
    return end.promise
  })
  return { folders, begun, ends }
}

describe('FolderSync', () => {
  it('all that is asked for during an fsync shares the next one', async () => {
    const { folders, begun, ends } = controlled()
    const done: string[] = []
    const first = folders.sync('a').then(() => done.push('first'))
    const later = ['second', 'third', 'fourth'].map(name => folders.sync('a').then(() => done.push(name)))
    expect(begun).toEqual(['a'])
    ends[0]?.resolve()
    await first
    expect(done).toEqual(['first'])
    ends[1]?.resolve()
    await Promise.all(later)
    expect(done).toEqual(['first', 'second', 'third', 'fourth'])
    expect(begun).toEqual(['a', 'a'])
  })

  it('folders do not wait for each other', async () => {
    const { folders, begun, ends } = controlled()
    const all = [folders.sync('a'), folders.sync('b')]
    expect(begun).toEqual(['a', 'b'])
    for (const end of ends) end.resolve()
    await Promise.all(all)
  })

  it('a failure is told to those who wait for it, and not to those of the next fsync', async () => {
    const { folders, ends } = controlled()
    const first = folders.sync('a')
    const second = folders.sync('a')
    const error = new Error('EIO')
    ends[0]?.reject(error)
    await expect(first).rejects.toBe(error)
    ends[1]?.resolve()
    await second
  })
})
