/** One page of a listing: a walk in key order that starts where the cursor stands and stops when the page is full. */
import type { ListPage, ObjectInfo, UnreadableKey } from 'blockgate'
import { compareKeys } from 'blockgate/bucket'
import type { Folder, Folders } from './folder.ts'
import { infoAt, linkAt, unreadable } from './inside.ts'

/** Objects and common prefixes of a page, as S3's. */
const PAGE = 1000

/** Folders that are read ahead of the walk, and files that are asked for their size at once. */
const READ_AHEAD = 16
const STATS_AT_ONCE = 32

export interface ListOptions {
  readonly delimiter?: '/'
  readonly cursor?: string | undefined
  readonly signal: AbortSignal
}

/** The cursor is the last key or common prefix of the page: it stays good whatever is deleted meanwhile. */
export async function listPage(
  root: string,
  folders: Folders,
  prefix: string,
  options: ListOptions,
): Promise<ListPage> {
  const start = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  const walk = new Walk(folders, options)
  if (await folders.isInside(start)) await walk.folder(start, prefix.slice(start.length))
  const found = walk.found.slice(0, PAGE)
  const last = found.at(-1)
  const objects: ObjectInfo[] = []
  const prefixes: string[] = []
  const unreadable: UnreadableKey[] = []
  for (const at of await looked(root, found, options.signal)) {
    if (typeof at === 'string') prefixes.push(at)
    else if ('error' in at) unreadable.push(at)
    else objects.push(at)
  }
  const cursor = walk.full ? (typeof last === 'string' ? last : last?.key) : undefined
  return { objects, prefixes, ...(unreadable.length > 0 && { unreadable }), cursor }
}

class Walk {
  /** Keys, common prefixes with their `/`, folders that cannot be read; one more than a page holds: there is a next page. */
  readonly found: (string | UnreadableKey)[] = []
  readonly #folders: Folders
  readonly #options: ListOptions

  constructor(folders: Folders, options: ListOptions) {
    this.#folders = folders
    this.#options = options
  }

  get full(): boolean {
    return this.found.length > PAGE
  }

  /** Everything below the folder `prefix` whose name in it starts with `start`. */
  async folder(prefix: string, start: string): Promise<void> {
    const folder = await this.#open(prefix)
    if (folder) await this.#names(prefix, start, folder)
  }

  async #names(prefix: string, start: string, folder: Folder): Promise<void> {
    const { delimiter, signal } = this.#options
    const { names, links } = folder
    const first = Math.max(
      lowerBound(names, name => compareKeys(name, start) < 0),
      this.#seek(prefix, names),
    )
    const below = new ReadAhead(names, first, async name => {
      if (links.has(name)) return undefined
      return await (delimiter ? this.#holding(prefix + name) : this.#open(prefix + name))
    })
    for (let i = first; i < names.length && !this.full; i++) {
      signal.throwIfAborted()
      const name = names[i] ?? ''
      if (!name.startsWith(start)) break
      if (!name.endsWith('/')) {
        this.found.push(prefix + name)
        continue
      }
      const inner = await below.take(i).catch((error: unknown) => {
        this.found.push(unreadable(prefix + name, error))
        return undefined
      })
      if (links.has(name)) this.found.push(linkAt(prefix + name))
      else if (inner && delimiter) this.found.push(prefix + name)
      else if (inner) await this.#names(prefix + name, '', inner)
    }
    if (this.full) this.#folders.remember(prefix, folder)
  }

  async #open(prefix: string): Promise<Folder | undefined> {
    const goesOn = this.#options.cursor?.startsWith(prefix)
    return await (goesOn ? this.#folders.resume(prefix) : this.#folders.read(prefix))
  }

  /** Where the walk goes on in a folder: after the cursor, or in the folder that the cursor stands in. */
  #seek(prefix: string, names: readonly string[]): number {
    const { cursor, delimiter } = this.#options
    if (cursor === undefined) return 0
    const after = lowerBound(names, name => compareKeys(prefix + name, cursor) <= 0)
    const last = names[after - 1]
    // A cursor that is a folder itself: it could not be read.
    const goesOn = last?.endsWith('/') && cursor !== prefix + last && cursor.startsWith(prefix + last)
    return goesOn && !delimiter ? after - 1 : after
  }

  /** The folder, if an object is below it, or may be: an empty one is no common prefix. */
  async #holding(prefix: string): Promise<Folder | undefined> {
    const folder = await this.#open(prefix)
    if (!folder || folder.names.some(name => !name.endsWith('/'))) return folder
    for (const name of folder.names) {
      if (folder.links.has(name)) return folder
      const inner = this.#holding(prefix + name)
      if (await inner.catch((error: unknown) => unreadable(prefix + name, error))) return folder
    }
    return undefined
  }
}

/** Reads the folders that come next while the walk is in this one. */
class ReadAhead {
  readonly #names: readonly string[]
  readonly #open: (name: string) => Promise<Folder | undefined>
  readonly #pending = new Map<number, Promise<Folder | undefined>>()
  #next: number

  constructor(names: readonly string[], first: number, open: (name: string) => Promise<Folder | undefined>) {
    this.#names = names
    this.#open = open
    this.#next = first
  }

  /** The folder at `index`; each call asks for a later one. */
  async take(index: number): Promise<Folder | undefined> {
    for (; this.#pending.size < READ_AHEAD && this.#next < this.#names.length; this.#next++) {
      const name = this.#names[this.#next]
      if (!name?.endsWith('/')) continue
      const folder = this.#open(name)
      // A page that is full leaves some untaken: their errors come up again on the page that needs them.
      folder.catch(() => {})
      this.#pending.set(this.#next, folder)
    }
    const folder = this.#pending.get(index)
    this.#pending.delete(index)
    return await folder
  }
}

/** Each with its size, but for what is no file. What was deleted since the walk saw it is left out. */
async function looked(
  root: string,
  found: Walk['found'],
  signal: AbortSignal,
): Promise<readonly (ObjectInfo | UnreadableKey | string)[]> {
  const look = async (at: string | UnreadableKey) => {
    if (typeof at !== 'string' || at.endsWith('/')) return at
    return await infoAt(`${root}/${at}`, at).catch((error: unknown) => unreadable(at, error))
  }
  const all: (ObjectInfo | UnreadableKey | string | undefined)[] = []
  for (let at = 0; at < found.length; at += STATS_AT_ONCE) {
    signal.throwIfAborted()
    all.push(...(await Promise.all(found.slice(at, at + STATS_AT_ONCE).map(look))))
  }
  return all.filter(at => at !== undefined)
}

/** The first index whose name is not `before`; names that are stand first. */
function lowerBound(names: readonly string[], before: (name: string) => boolean): number {
  let low = 0
  let high = names.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (before(names[middle] ?? '')) low = middle + 1
    else high = middle
  }
  return low
}
