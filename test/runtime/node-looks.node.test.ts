/** Folders, and what the system knows of files, as a start of thousands of blocks asks for them. */
import { mkdir, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { localFiles } from '../../src/runtime/node.ts'
import { tempFolders } from '../support/temp-folders.ts'

const folder = tempFolders()

it('tells the folders in a folder, and no links, files or deeper ones', async () => {
  const root = folder()
  for (const name of ['a/b', 'c']) await mkdir(join(root, name), { recursive: true })
  await writeFile(join(root, 'file'), 'x')
  await symlink(join(root, 'c'), join(root, 'link'))
  const files = localFiles(root)
  expect([...((await files.folders?.('')) ?? [])].sort()).toEqual(['a', 'c'])
  expect(await files.folders?.('a')).toEqual(['b'])
  expect(await files.folders?.('missing')).toEqual([])
  await expect(files.folders?.('../a')).rejects.toMatchObject({ code: 'invalid-key' })
  await expect(files.folders?.('link')).rejects.toMatchObject({ code: 'invalid-key' })
})

it('looks at thousands of files in their order; what is missing, a link or a folder has no look', async () => {
  const root = folder()
  await mkdir(join(root, 'a'))
  await writeFile(join(root, 'a/1'), 'x')
  await writeFile(join(root, 'a/2'), 'xx')
  await symlink(join(root, 'a/1'), join(root, 'a/link'))
  const paths = ['a/1', 'missing', 'a/link', 'a', 'a/2', 'a/1/2']
  const many = Array.from({ length: 500 }, () => paths).flat()
  const looks = (await localFiles(root).look?.(many)) ?? []
  const { mtimeMs, ino } = await stat(join(root, 'a/2'))
  expect(looks[4]).toEqual({ size: 2, modified: mtimeMs, inode: ino })
  expect(looks.map(look => look?.size)).toEqual(
    Array.from({ length: 500 }, () => [1, undefined, undefined, undefined, 2, undefined]).flat(),
  )
  await expect(localFiles(root).look?.(['../x'])).rejects.toMatchObject({ code: 'invalid-key' })
})
