// A lock as a file: a folder for each lock, in it one file for each grant, named by its number. The largest is the one that counts,
// so the number is a fence. Nothing that counts is ever deleted or written over by anybody else, and so nobody can take away
// by mistake what somebody has just been granted, as deleting a stale lock would.
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface LockFile {
  /** Larger than that of every grant before it. */
  readonly fence: number
  /** Looks at the file now. */
  isHeld(): boolean
  /** Safe twice. */
  release(): Promise<void>
}

interface Grant {
  readonly owner: string
  /** 0: it was released. */
  readonly pid: number
}

/** Who has the lock: undefined where nobody has, or a process that is no more. */
export async function holderOf(folder: string): Promise<string | undefined> {
  const { grant } = await lastGrant(folder)
  return grant && isRunning(grant.pid) ? grant.owner : undefined
}

/** @returns undefined where somebody has it */
export async function takeLock(folder: string, owner: string): Promise<LockFile | undefined> {
  const last = await lastGrant(folder)
  if (last.grant && isRunning(last.grant.pid)) return undefined
  await mkdir(folder, { recursive: true })
  const fence = last.fence + 1
  const path = join(folder, String(fence))
  if (!(await created(path, { owner, pid: process.pid }))) return undefined
  const older = (await fencesIn(folder)).filter(other => other !== fence)
  // Whoever was slow may have been granted a number that is long over.
  if (older.some(other => other > fence)) {
    await rm(path, { force: true })
    return undefined
  }
  await Promise.all(older.map(other => rm(join(folder, String(other)), { force: true })))
  return heldLock(path, fence, owner)
}

function heldLock(path: string, fence: number, owner: string): LockFile {
  const isHeld = () => {
    try {
      return grantOf(readFileSync(path, 'utf8'))?.owner === owner
    } catch {
      return false // somebody has deleted it
    }
  }
  return {
    fence,
    isHeld,
    async release() {
      if (isHeld()) await written(path, { owner: '', pid: 0 }, rename)
    },
  }
}

async function lastGrant(folder: string): Promise<{ readonly fence: number; readonly grant: Grant | undefined }> {
  const fence = Math.max(0, ...(await fencesIn(folder)))
  if (fence === 0) return { fence, grant: undefined }
  try {
    return { fence, grant: grantOf(await readFile(join(folder, String(fence)), 'utf8')) }
  } catch (error) {
    // There is a larger one by now.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return lastGrant(folder)
    throw error
  }
}

async function fencesIn(folder: string): Promise<readonly number[]> {
  try {
    return (await readdir(folder)).map(Number).filter(Number.isSafeInteger)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** False where it is there already. */
async function created(path: string, grant: Grant): Promise<boolean> {
  try {
    await written(path, grant, link)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** A link is made, or not, like a file opened with `wx`; but nobody ever sees it half written. */
async function written(path: string, grant: Grant, place: typeof link): Promise<void> {
  const temp = `${path}.${randomUUID()}`
  await writeFile(temp, JSON.stringify(grant))
  try {
    await place(temp, path)
  } finally {
    await rm(temp, { force: true })
  }
}

function grantOf(text: string): Grant | undefined {
  try {
    return JSON.parse(text) as Grant
  } catch {
    return undefined
  }
}

/** Of this machine. A number may have been given to another process since: then its lock seems to be held. */
function isRunning(pid: number): boolean {
  if (pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
