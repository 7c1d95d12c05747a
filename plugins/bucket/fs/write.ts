/** Writes and removes objects: whole or not at all, and never through a link. */
import { link, lstat, mkdir, mkdtemp, open, rename, rm, rmdir } from 'node:fs/promises'
import { BlockgateError, BucketError, ErrorCode } from 'blockgate'
import { codeOfFs, infoAt, isReal, TEMP_FOLDER, unlessAbsent } from './inside.ts'

/** A delete may remove an emptied folder just before the new file is put into it. */
const PLACES = 20

export type Condition = 'absent' | { readonly etag: string } | undefined

/** Puts `body` at `key` below `root`, by way of a temp file that takes the key's name in one step. */
export async function writeObject(
  root: string,
  key: string,
  body: Uint8Array,
  condition: Condition,
  signal: AbortSignal,
): Promise<'stored' | 'conflict'> {
  const path = `${root}/${key}`
  if (typeof condition === 'object' && (await realInfo(path, key))?.etag !== condition.etag) return 'conflict'
  const own = await tempFolder(root)
  try {
    const temp = await writeTemp(`${own}/body`, body)
    for (let n = 1; ; n++) {
      signal.throwIfAborted()
      await makeParents(root, key)
      try {
        // A link fails where the name is taken, also by another process; a rename replaces.
        if (condition === 'absent') await link(temp, path)
        else await rename(temp, path)
        return 'stored'
      } catch (error) {
        const code = codeOfFs(error)
        if (code === 'EEXIST' && condition === 'absent' && (await infoAt(path, key))) return 'conflict'
        if (code !== 'ENOENT' || n === PLACES) throw error
      }
    }
  } finally {
    await rm(own, { recursive: true, force: true })
  }
}

/** Removes the object, then the folders that it leaves empty: object stores have no folders. */
export async function removeObject(root: string, key: string): Promise<void> {
  const path = `${root}/${key}`
  if (!(await realInfo(path, key))) return
  await rm(path, { force: true })
  for (let folder = parentOf(path); folder !== root; folder = parentOf(folder)) {
    try {
      await rmdir(folder)
    } catch (error) {
      const code = codeOfFs(error)
      // Not empty, or another delete was first: then that one goes on with the parents.
      if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOENT') return
      throw error
    }
  }
}

async function realInfo(path: string, key: string): ReturnType<typeof infoAt> {
  return (await isReal(path)) ? await infoAt(path, key) : undefined
}

/** A new folder of this write's own, in the root: mkdtemp picks a name that nobody has. */
async function tempFolder(root: string): Promise<string> {
  const folder = `${root}/${TEMP_FOLDER}`
  await makeFolder(folder)
  const own = await mkdtemp(`${folder}/`)
  if (await isReal(own)) return own
  await rmdir(own)
  throw linkInTheWay(folder)
}

async function writeTemp(path: string, body: Uint8Array): Promise<string> {
  const handle = await open(path, 'wx')
  try {
    await handle.writeFile(body)
    await handle.sync()
  } finally {
    await handle.close()
  }
  return path
}

async function makeParents(root: string, key: string): Promise<void> {
  const segments = key.split('/').slice(0, -1)
  if (await isReal([root, ...segments].join('/'))) return
  let folder = root
  for (const segment of segments) {
    folder += `/${segment}`
    await makeFolder(folder)
  }
}

/** One folder, not its parents; one that is there already must be a real one. */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder)
  } catch (error) {
    // Its parent was just removed as empty: the caller goes over all of them again.
    if (codeOfFs(error) === 'ENOENT') return
    if (codeOfFs(error) !== 'EEXIST') throw error
    const stats = await unlessAbsent(lstat(folder))
    if (stats?.isSymbolicLink()) throw linkInTheWay(folder)
    if (stats?.isDirectory() === false) {
      throw new BucketError(`folder of an object must not be an object itself: "${folder}" is a file`, {
        retryable: false,
      })
    }
  }
}

function linkInTheWay(folder: string): BlockgateError {
  return new BlockgateError(ErrorCode.invalidKey, `key must not pass through a symbolic link: "${folder}" is one`)
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}
