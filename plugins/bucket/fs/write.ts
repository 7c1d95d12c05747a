/** Writes and removes objects: whole or not at all, and never through a link. */
import { link, rename, rm, rmdir } from 'node:fs/promises'
import { codeOfFs, infoAt, isReal, makeFolder } from './inside.ts'
import type { TempFiles } from './temp.ts'

/** A delete may remove an emptied folder just before the new file is put into it. */
const PLACES = 20

export type Condition = 'absent' | { readonly etag: string } | undefined

/** Puts `body` at `key` below `root`, by way of a temp file that takes the key's name in one step. */
export async function writeObject(
  root: string,
  temps: TempFiles,
  key: string,
  body: Uint8Array,
  condition: Condition,
  signal: AbortSignal,
): Promise<'stored' | 'conflict'> {
  const path = `${root}/${key}`
  if (typeof condition === 'object' && (await realInfo(path, key))?.etag !== condition.etag) return 'conflict'
  const temp = await temps.write(body)
  try {
    for (let n = 1; ; n++) {
      signal.throwIfAborted()
      if (!(await isReal(parentOf(path)))) await makeFolders(root, key)
      try {
        // A link fails where the name is taken, also by another process; a rename replaces.
        if (condition === 'absent') await link(temp, path)
        else await rename(temp, path)
        return 'stored'
      } catch (error) {
        const code = codeOfFs(error)
        if (code === 'EEXIST' && condition === 'absent' && (await infoAt(path, key))) return 'conflict'
        // An object stands where a folder must: making the folders says which.
        if (code === 'ENOTDIR') await makeFolders(root, key)
        if (code !== 'ENOENT' || n === PLACES) throw error
      }
    }
  } finally {
    await rm(temp, { force: true })
  }
}

/** Removes the object, then the folders that it leaves empty: object stores have no folders. */
export async function removeObject(root: string, key: string): Promise<void> {
  const path = `${root}/${key}`
  if (!(await realInfo(path, key))) return
  await rm(path, { force: true })
  try {
    for (let folder = parentOf(path); folder !== root; folder = parentOf(folder)) await rmdir(folder)
  } catch (error) {
    // Not empty, or another delete was first: then that one goes on with the parents.
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(codeOfFs(error))) throw error
  }
}

async function realInfo(path: string, key: string): ReturnType<typeof infoAt> {
  return (await isReal(path)) ? await infoAt(path, key) : undefined
}

async function makeFolders(root: string, key: string): Promise<void> {
  let folder = root
  for (const segment of key.split('/').slice(0, -1)) {
    folder += `/${segment}`
    await makeFolder(folder)
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}
