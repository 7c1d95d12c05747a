/** A folder of the disk as LocalFiles. Runs on Node and, over its Node compatibility, on Deno. */
import { lstat, readdir, rename, rm, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { eachBounded } from '../async/each.ts'
import { isBlockId } from '../contracts/block.ts'
import { BlockgateError, ErrorCode } from '../contracts/errors.ts'
import type { LocalFile, LocalFiles } from '../contracts/host.ts'
import { fsCode, onDisk, unlessAbsent } from './disk/errors.ts'
import { FolderSync } from './disk/folder-sync.ts'
import { looksOf } from './disk/looks.ts'
import { OpenFiles } from './disk/open-files.ts'
import { Root } from './disk/root.ts'
import { tempPath, writeTemp } from './disk/temp-file.ts'

/** Sizes asked for at once; the thread pool of Node has four threads. */
const STATS_AT_ONCE = 64

/**
 * The files below `root`, which is made at the first use. A path through a symbolic link below the root is refused, and `list` leaves
 * links out. `writeAtomic` makes the folders above the file; a process that dies in it leaves a file named `.tmp-…` beside the
 * target, which `list` shows. Codes: `invalid-key`, `disk-full`, `not-found`, `disk-failed`.
 */
export function localFiles(root: string): LocalFiles {
  const inside = new Root(root)
  const folders = new FolderSync()
  const opened = new OpenFiles()
  const sync = (folder: string) => folders.sync(folder)

  return {
    async read(path, offset, length, lasting = false) {
      if (!isCount(offset) || !isCount(length)) {
        const must = 'offset and length must be integers >= 0'
        throw new BlockgateError(ErrorCode.invalidKey, `${must}: current values are ${offset} and ${length}`)
      }
      const open = async () => await inside.open(await inside.resolve(path))
      return await opened.use(path, lasting, open, async ({ handle, size }) => {
        // Before the bytes are allocated: the length may come from a damaged file.
        if (offset + length > size) throw tooShort(path, offset + length, size)
        const bytes = new Uint8Array(length)
        for (let at = 0; at < length; ) {
          const { bytesRead } = await onDisk(`read "${path}"`, handle.read(bytes, at, length - at, offset + at))
          if (bytesRead === 0) throw tooShort(path, offset + length, offset + at)
          at += bytesRead
        }
        return bytes
      })
    },

    async list(prefix) {
      const folder = prefix === '' ? await inside.path() : await inside.resolve(prefix)
      const found: LocalFile[] = []
      if (await inside.isThere(folder)) await walk(folder, prefix, found)
      return found
    },

    async writeAtomic(path, body, signal) {
      signal.throwIfAborted()
      const full = await inside.resolve(path)
      await inside.makeFolders(dirname(full), sync)
      const temp = tempPath(full)
      await writeTemp(temp, body, { name: path, sync: true, signal })
      let leftover = temp
      try {
        signal.throwIfAborted()
        await onDisk(`write "${path}"`, rename(temp, full))
        opened.forget(path)
        leftover = full
        await sync(dirname(full))
      } catch (error) {
        await rm(leftover, { force: true })
        throw error
      }
    },

    async rename(from, to) {
      const [source, target] = [await inside.resolve(from), await inside.resolve(to)]
      // Throws where a link stands above it; whether it is there is told by the rename.
      await inside.isThere(dirname(source))
      await inside.makeFolders(dirname(target), sync)
      await onDisk(`rename "${from}" to "${to}"`, rename(source, target))
      for (const path of [from, to]) opened.forget(path)
      try {
        await sync(dirname(target))
        if (dirname(source) !== dirname(target)) await sync(dirname(source))
      } catch (error) {
        // A caller that sees an error goes on with the old name.
        await onDisk(`rename "${to}" back to "${from}"`, rename(target, source))
        opened.forget(to)
        throw error
      }
    },

    async remove(path) {
      const full = await inside.resolve(path)
      if (!(await inside.isThere(dirname(full)))) return
      await onDisk(`remove "${path}"`, rm(full, { recursive: true, force: true }))
      // The room of a file that is open is not free.
      opened.forget(path)
    },

    async folders(prefix) {
      const folder = prefix === '' ? await inside.path() : await inside.resolve(prefix)
      if (!(await inside.isThere(folder))) return []
      const entries = (await onDisk(`list "${folder}"`, unlessAbsent(readdir(folder, { withFileTypes: true })))) ?? []
      return entries.filter(entry => entry.isDirectory()).map(({ name }) => name)
    },

    async look(paths) {
      return await onDisk('look at files', looksOf(await inside.resolveAll(paths)))
    },

    async free() {
      const { bavail, bsize } = await onDisk('ask how much of the disk is free', statfs(await inside.path()))
      return bavail * bsize
    },
  }
}

/** Adds every regular file below `folder`. A link is neither a file nor a folder here; what is removed meanwhile is left out. */
async function walk(folder: string, prefix: string, found: LocalFile[], unmanaged = false): Promise<void> {
  const reading = readdir(folder, { withFileTypes: true }).catch(error => {
    if (unmanaged && ['EACCES', 'EPERM'].includes(fsCode(error))) return []
    throw error
  })
  const entries = (await onDisk(`list "${folder}"`, unlessAbsent(reading))) ?? []
  const path = (name: string) => (prefix === '' ? name : `${prefix}/${name}`)
  const files = entries.filter(entry => entry.isFile())
  await eachBounded(files, STATS_AT_ONCE, async ({ name }) => {
    const stats = await onDisk(`look at "${path(name)}"`, unlessAbsent(lstat(join(folder, name))))
    if (stats?.isFile()) found.push({ path: path(name), size: stats.size })
  })
  for (const entry of entries) {
    // Where the root is a volume of its own, root's `lost+found`, which nobody may read, stands beside our files.
    const others = prefix === '' && !isBlockId(entry.name)
    if (entry.isDirectory()) await walk(join(folder, entry.name), path(entry.name), found, others)
  }
}

function isCount(n: number): boolean {
  return Number.isSafeInteger(n) && n >= 0
}

function tooShort(path: string, need: number, size: number): BlockgateError {
  return new BlockgateError(ErrorCode.diskFailed, `file "${path}" must have >= ${need} bytes: current value is ${size}`)
}
