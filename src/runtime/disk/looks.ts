/** What the system knows of many files, at the price of a start of thousands of blocks. */
import { lstatSync, type Stats } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { eachBounded } from '../../async/each.ts'
import type { FileLook } from '../../contracts/host.ts'
import { fsCode, onDisk, unlessAbsent } from './errors.ts'

/** Looks without a turn of the event loop in between: 4 µs each, where the thread pool takes 13 µs of CPU. */
const TURN_MS = 2
/** One that takes longer was not in memory: the next ones go to the thread pool, many at once. */
const SLOW_MS = 0.5
const AT_ONCE = 64

/** @throws BlockgateError `disk-failed` */
export async function looksOf(paths: readonly string[]): Promise<readonly (FileLook | undefined)[]> {
  const looks: (FileLook | undefined)[] = []
  for (let began = performance.now(); looks.length < paths.length; ) {
    const at = performance.now()
    if (at - began > TURN_MS) {
      await new Promise(resolve => setImmediate(resolve))
      began = performance.now()
    }
    looks.push(lookNow(paths[looks.length] as string))
    if (performance.now() - at <= SLOW_MS) continue
    const next = paths.slice(looks.length, looks.length + AT_ONCE)
    looks.push(...(await eachBounded(next, AT_ONCE, lookLater)))
  }
  return looks
}

function lookNow(path: string): FileLook | undefined {
  try {
    return lookOf(lstatSync(path, { throwIfNoEntry: false }))
  } catch (error) {
    if (fsCode(error) === 'ENOTDIR') return undefined
    throw error
  }
}

async function lookLater(path: string): Promise<FileLook | undefined> {
  return lookOf(await onDisk(`look at "${path}"`, unlessAbsent(lstat(path))))
}

function lookOf(stats: Stats | undefined): FileLook | undefined {
  return stats?.isFile() ? { size: stats.size, modified: stats.mtimeMs, inode: stats.ino } : undefined
}
