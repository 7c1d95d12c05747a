/** A folder that no path leaves: not by its text, and not over a symbolic link. */
import { constants } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { keyProblem } from '../../bucket/keys.ts'
import { BlockgateError, ErrorCode } from '../../contracts/errors.ts'
import { fsCode, onDisk, unlessAbsent } from './errors.ts'

// O_NONBLOCK: opening a FIFO must not wait for its writer.
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

export class Root {
  readonly #root: string
  #real: Promise<string> | undefined

  constructor(root: string) {
    this.#root = root
  }

  /** The real path of the root, which is made where it is missing. The root itself may be a link. */
  path(): Promise<string> {
    this.#real ??= onDisk(`use folder "${this.#root}"`, this.#open()).catch(error => {
      this.#real = undefined
      throw error
    })
    return this.#real
  }

  /**
   * Where `path` lies. Nothing is asked of the disk but the root.
   * @throws BlockgateError `invalid-key` unless it is relative, with `/`, and without `..`, NUL or backslash
   */
  async resolve(path: string): Promise<string> {
    const [full = ''] = await this.resolveAll([path])
    return full
  }

  /** As resolve(), of each. */
  async resolveAll(paths: readonly string[]): Promise<readonly string[]> {
    const root = await this.path()
    return paths.map(path => this.#below(root, path))
  }

  #below(root: string, path: string): string {
    const must = keyProblem(path)
    if (must !== undefined) {
      const shown = typeof path === 'string' ? JSON.stringify(path.slice(0, 100)) : String(path)
      throw new BlockgateError(ErrorCode.invalidKey, `path must ${must}: current value is ${shown}`)
    }
    return join(root, path)
  }

  /** True where `full`, from resolve(), is there. @throws BlockgateError `invalid-key` where a part of it is a link */
  async isThere(full: string): Promise<boolean> {
    const real = await onDisk(`look at "${full}"`, unlessAbsent(unlessLooping(realpath(full), full)))
    if (real !== undefined && real !== full) throw linkInTheWay(full)
    return real !== undefined
  }

  /** The regular file at `full`, opened for reading. @throws BlockgateError `not-found`, `invalid-key` or `disk-failed` */
  async open(full: string): Promise<{ readonly handle: FileHandle; readonly size: number }> {
    const what = `read "${full}"`
    const handle = await onDisk(what, unlessLooping(open(full, READ), full))
    try {
      const stats = await onDisk(what, handle.stat())
      // O_NOFOLLOW covers the last part of the path only.
      if (!(await this.isThere(full))) throw new BlockgateError(ErrorCode.notFound, `cannot ${what}: it is gone`)
      if (!stats.isFile()) throw new BlockgateError(ErrorCode.diskFailed, `cannot ${what}: it must be a regular file`)
      return { handle, size: stats.size }
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  /** Makes `folder` and those above it that are missing; `made` is called with the parent of each new one. */
  async makeFolders(folder: string, made: (parent: string) => Promise<void>): Promise<void> {
    if (folder === (await this.path()) || (await this.isThere(folder))) return
    const parent = dirname(folder)
    await this.makeFolders(parent, made)
    try {
      await mkdir(folder)
    } catch (error) {
      // Another write into it was first.
      if (fsCode(error) === 'EEXIST' && (await lstat(folder)).isDirectory()) return
      await onDisk(`make folder "${folder}"`, Promise.reject(error))
    }
    await made(parent)
  }

  async #open(): Promise<string> {
    await mkdir(this.#root, { recursive: true })
    return await realpath(this.#root)
  }
}

async function unlessLooping<T>(work: Promise<T>, full: string): Promise<T> {
  try {
    return await work
  } catch (error) {
    // What O_NOFOLLOW says of a link, and realpath of links in a circle.
    if (fsCode(error) === 'ELOOP') throw linkInTheWay(full)
    throw error
  }
}

function linkInTheWay(full: string): BlockgateError {
  return new BlockgateError(ErrorCode.invalidKey, `path must not pass through a symbolic link: "${full}" does`)
}
