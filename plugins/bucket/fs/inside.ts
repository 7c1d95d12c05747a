/** From keys to files, and never out of the root: no symbolic link is followed below it. */
import { type BigIntStats, constants, lstatSync } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, realpath, stat } from 'node:fs/promises'
import { BlockgateError, BucketError, ErrorCode, type ObjectInfo, type UnreadableKey } from 'blockgate'
import { assertKey } from 'blockgate/bucket'
import { Pace } from './pace.ts'

/** Half-written objects; no key starts with it and no listing shows it. In the root, so that a rename stays on one disk. */
export const TEMP_FOLDER = '.blockgate-tmp'

/** A file may be replaced by a rename while it is opened: the next try finds the new one. */
const TRIES = 10

const ABSENT: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'ENXIO'])

/** The root's real path. @throws BucketError where it is not a directory */
export async function realRoot(root: string): Promise<string> {
  let is: string
  let cause: unknown
  try {
    const found = await realpath(root)
    if (found !== '/' && (await stat(found)).isDirectory()) return found
    is = found === '/' ? 'the whole disk' : 'not a directory'
  } catch (error) {
    is = codeOfFs(error)
    cause = error
  }
  throw new BucketError(`root must be an existing directory: current value is "${root}" (${is})`, {
    retryable: false,
    cause,
  })
}

/** @throws BlockgateError `invalid-key` */
export function pathOf(root: string, key: string): string {
  assertKey(key)
  assertKey(key, () => (`${key}/`.startsWith(`${TEMP_FOLDER}/`) ? `not be in ${TEMP_FOLDER}` : undefined))
  return `${root}/${key}`
}

/** True where every component of `path`, a path below a real root, is what it looks like: none is a link, none is missing. */
export async function isReal(path: string): Promise<boolean> {
  const real = await unlessAbsent(realpath(path))
  return real === path
}

/**
 * The regular file at `path`, opened for reading; undefined where there is none, or where a link leads to it. O_NOFOLLOW
 * covers the last component only, so the opened file is compared with what the path names without any link.
 */
export async function openInside(path: string): Promise<{ handle: FileHandle; stats: BigIntStats } | undefined> {
  // O_NONBLOCK: opening a FIFO must not wait for its writer.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  for (let n = 0; n < TRIES; n++) {
    const handle = await unlessAbsent(open(path, flags))
    if (!handle) return undefined
    let same = false
    try {
      const stats = await handle.stat({ bigint: true })
      if (!stats.isFile() || !(await isReal(path))) return undefined
      const named = await unlessAbsent(lstat(path, { bigint: true }))
      same = named?.ino === stats.ino && named.dev === stats.dev
      if (same) return { handle, stats }
    } finally {
      if (!same) await handle.close()
    }
  }
  throw new BucketError(`cannot open file "${path}": it changed ${TRIES} times meanwhile`, {
    retryable: true,
  })
}

/** The object at `path`, or undefined where there is no regular file. Asks about the last component only. */
export async function infoAt(path: string, key: string, pace: Pace = new Pace()): Promise<ObjectInfo | undefined> {
  const looking = pace.call(
    () => lstatSync(path, { bigint: true }),
    () => lstat(path, { bigint: true }),
  )
  const stats = await unlessAbsent(looking)
  return stats?.isFile() ? infoOf(key, stats) : undefined
}

/** The inode is in the etag because two writes of one size can fall into one tick of the file system's clock. */
export function infoOf(key: string, stats: BigIntStats): ObjectInfo {
  return {
    key,
    size: Number(stats.size),
    etag: `${stats.size.toString(36)}-${stats.mtimeNs.toString(36)}-${stats.ino.toString(36)}`,
    modified: Number(stats.mtimeNs / 1_000_000n),
  }
}

/** One folder, not its parents; one that is there already must be a real one. */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder)
  } catch (error) {
    // Its parent was just removed as empty: the caller goes over all of them again.
    if (codeOfFs(error) === 'ENOENT') return
    if (codeOfFs(error) !== 'EEXIST') throw error
    const stats = await unlessAbsent(lstat(folder))
    if (stats?.isSymbolicLink()) throw linkInTheWay(folder)
    if (stats?.isDirectory() === false) {
      throw new BucketError(`"${folder}" is an object: no other object can stand below it`, {
        retryable: false,
      })
    }
  }
}

/** The error of a key whose path a link is in. */
export function linkInTheWay(folder: string): BlockgateError {
  return new BlockgateError(
    ErrorCode.invalidKey,
    `key must not pass through a symbolic link: ${JSON.stringify(folder)} is one`,
  )
}

/** Undefined where `work` says that there is no such file. */
export async function unlessAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (ABSENT.has(codeOfFs(error))) return undefined
    throw error
  }
}

/** Of these the process has too few for now: they say nothing about a file. */
const SHORT: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM'])

/** What a listing tells of the file or folder `key`. @throws `error` where it is not about that one alone */
export function unreadable(key: string, error: unknown): UnreadableKey {
  const code = codeOfFs(error)
  if (!(error instanceof Error && 'code' in error) || SHORT.has(code)) throw error
  const what = key.endsWith('/') ? 'folder' : 'object'
  return { key, error: new BucketError(`cannot read ${what} "${key}": it failed with ${code}`, { cause: error }) }
}

/** What a listing tells of a symbolic link. */
export function linkAt(key: string): UnreadableKey {
  const error = new BucketError(`"${key.slice(0, -1)}" is a symbolic link: none is followed below the root`, {
    retryable: false,
  })
  return { key, error }
}

/** `ENOENT` and the like. */
export function codeOfFs(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : String(error)
}
