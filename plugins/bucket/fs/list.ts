/** One page of a listing: a walk in key order that starts where the cursor stands and stops when the page is full. */
import type { ListPage, ObjectInfo } from 'blockgate'
import { compareKeys } from 'blockgate/bucket'
import type { Folder, Folders } from './folder.ts'
import { infoAt } from './inside.ts'

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
  const keys = found.filter(name => !name.endsWith('/'))
  return {
    objects: await infos(root, keys, options.signal),
    prefixes: found.filter(name => name.endsWith('/')),
    cursor: walk.full ? found.at(-1) : undefined,
  }
}

class Walk {
  /** Keys, and common prefixes with their `/`; one more than a page holds shows that there is a next page. */
  readonly found: string[] = []
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

  async #names(prefix: string, start: string, { names, ...folder }: Folder): Promise<void> {
    const { delimiter, signal } = this.#options
    const first = Math.max(
      lowerBound(names, name => compareKeys(name, start) < 0),
      this.#seek(prefix, names),
    )
    const below = new ReadAhead(names, first, name =>
      delimiter ? this.#holding(prefix + name) : this.#open(prefix + name),
    )
    for (let i = first; i < names.length && !this.full; i++) {
      signal.throwIfAborted()
      const name = names[i] ?? ''
      if (!name.startsWith(start)) break
      if (!name.endsWith('/')) {
        this.found.push(prefix + name)
        continue
      }
      const inner = await below.take(i)
      if (inner && delimiter) this.found.push(prefix + name)
      else if (inner) await this.#names(prefix + name, '', inner)
    }
    if (this.full) this.#folders.remember(prefix, { names, ...folder })
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
    return last?.endsWith('/') && cursor.startsWith(prefix + last) && !delimiter ? after - 1 : after
  }

  /** The folder, if an object is below it: an empty one is no common prefix. */
  async #holding(prefix: string): Promise<Folder | undefined> {
    const folder = await this.#open(prefix)
    if (!folder || folder.names.some(name => !name.endsWith('/'))) return folder
    for (const name of folder.names) if (await this.#holding(prefix + name)) return folder
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

/** What was deleted since the walk saw it is left out. */
async function infos(root: string, keys: readonly string[], signal: AbortSignal): Promise<readonly ObjectInfo[]> {
  const found: (ObjectInfo | undefined)[] = []
  for (let at = 0; at < keys.length; at += STATS_AT_ONCE) {
    signal.throwIfAborted()
    const some = keys.slice(at, at + STATS_AT_ONCE)
    found.push(...(await Promise.all(some.map(key => infoAt(`${root}/${key}`, key)))))
  }
  return found.filter(info => info !== undefined)
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
