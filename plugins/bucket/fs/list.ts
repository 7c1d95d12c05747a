/** One page of a listing: a walk in key order that starts where the cursor stands and stops when the page is full. */
import type { ListPage, ObjectInfo, UnreadableKey } from 'blockgate'
import { compareKeys, lowerBound } from 'blockgate/bucket'
import type { Folder, Folders } from './folder.ts'
import { infoAt, linkAt, unreadable } from './inside.ts'
import type { Pace } from './pace.ts'

/** Objects and common prefixes of a page, as S3's. */
const PAGE = 1000

/** Folders that are read ahead of the walk, and files that are asked for their size at once. */
const AHEAD = 16

export interface ListOptions {
  readonly delimiter?: '/'
  readonly cursor?: string | undefined
  readonly after?: string | undefined
  readonly signal: AbortSignal
}

/** The cursor is the last key or common prefix of the page: it stays good whatever is deleted meanwhile. */
export async function listPage(
  root: string,
  folders: Folders,
  prefix: string,
  options: ListOptions,
): Promise<ListPage> {
  const path = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  const { after, cursor = after } = options
  const walk = new Walk(folders, { ...options, cursor })
  if (await folders.isInside(path)) await walk.below(path, prefix.slice(path.length))
  const page = walk.found.slice(0, PAGE)
  const objects: ObjectInfo[] = []
  const prefixes: string[] = []
  const unreadable: UnreadableKey[] = []
  for await (const found of ahead(page, found => sized(root, found, folders.pace))) {
    options.signal.throwIfAborted()
    if (typeof found === 'string') prefixes.push(found)
    else if (found && 'error' in found) unreadable.push(found)
    else if (found) objects.push(found)
  }
  const last = page.at(-1)
  const next = walk.isFull ? (typeof last === 'string' ? last : last?.key) : undefined
  return { objects, prefixes, ...(unreadable.length > 0 && { unreadable }), cursor: next }
}

class Walk {
  /** Keys, common prefixes with their `/`, what cannot be read; one more than a page holds: there is a next page. */
  readonly found: (string | UnreadableKey)[] = []
  readonly #folders: Folders
  readonly #options: ListOptions

  constructor(folders: Folders, options: ListOptions) {
    this.#folders = folders
    this.#options = options
  }

  get isFull(): boolean {
    return this.found.length > PAGE
  }

  /** Finds what is below the folder `path` and behind the cursor, where the name in the folder starts with `start`. */
  async below(path: string, start: string): Promise<void> {
    const folder = await this.#open(path)
    if (folder) await this.#names(path, folder, start)
  }

  async #names(path: string, folder: Folder, start: string): Promise<void> {
    const isBefore = (name: string) => compareKeys(name, start) < 0
    const first = lowerBound(folder.names, name => isBefore(name) || this.#isDone(path + name))
    const end = lowerBound(folder.names, name => isBefore(name) || name.startsWith(start))
    const names = folder.names.slice(first, end)
    for await (const at of ahead(names, name => this.#look(path + name, folder.links.has(name)))) {
      this.#options.signal.throwIfAborted()
      if (typeof at === 'string' || (at && 'error' in at)) this.found.push(at)
      else if (at) await this.#names(at.path, at.folder, '')
      if (this.isFull) break
    }
  }

  /** What is found at `key`, or the folder to walk into; undefined for one that is empty or has gone. */
  async #look(key: string, isLink: boolean): Promise<string | UnreadableKey | Inner | undefined> {
    if (!key.endsWith('/')) return key
    if (isLink) return linkAt(key)
    try {
      if (this.#options.delimiter) return (await this.#holdsObject(key)) ? key : undefined
      const folder = await this.#open(key)
      return folder && { path: key, folder }
    } catch (error) {
      return unreadable(key, error)
    }
  }

  /** True where an object is below the folder, or may be: an empty one is no common prefix. */
  async #holdsObject(path: string): Promise<boolean> {
    const folder = await this.#open(path)
    if (!folder) return false
    if (folder.names.some(name => !name.endsWith('/') || folder.links.has(name))) return true
    for (const name of folder.names) {
      const inner = this.#holdsObject(path + name)
      if (await inner.catch((error: unknown) => unreadable(path + name, error))) return true
    }
    return false
  }

  async #open(path: string): Promise<Folder | undefined> {
    return await (this.#options.cursor?.startsWith(path) ? this.#folders.resume(path) : this.#folders.read(path))
  }

  /** True where a page before has had the key, and all below it. */
  #isDone(key: string): boolean {
    const { cursor, delimiter } = this.#options
    if (cursor === undefined || compareKeys(key, cursor) > 0) return false
    // A cursor that is a folder itself: it could not be read.
    const goesOnInside = key.endsWith('/') && cursor.startsWith(key) && cursor !== key
    return delimiter !== undefined || !goesOnInside
  }
}

interface Inner {
  readonly path: string
  readonly folder: Folder
}

/** A key with what is told of its object; undefined where that was deleted since the walk saw it. */
async function sized(
  root: string,
  found: string | UnreadableKey,
  pace: Pace,
): Promise<ObjectInfo | string | UnreadableKey | undefined> {
  if (typeof found !== 'string' || found.endsWith('/')) return found
  return await infoAt(`${root}/${found}`, found, pace).catch((error: unknown) => unreadable(found, error))
}

/** `look` at each of `items`, in their order, with some begun ahead. */
async function* ahead<T, R>(items: readonly T[], look: (item: T) => Promise<R>): AsyncGenerator<R> {
  const begun: Promise<R>[] = []
  for (const item of items) {
    const looking = look(item)
    // A page that is full leaves some untaken: their errors come up again on the page that needs them.
    looking.catch(() => {})
    begun.push(looking)
    if (begun.length > AHEAD) yield (await begun.shift()) as R
  }
  for (const looking of begun) yield await looking
}
