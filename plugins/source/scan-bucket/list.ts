/** The two ways to list a bucket: each gives the blocks it saw, a batch at a time, in key order. */
import {
  BlockgateError,
  type BlockId,
  ErrorCode,
  eachBounded,
  type ListPage,
  type ObjectInfo,
  type UnreadableKey,
} from 'blockgate'
import { compareKeys } from 'blockgate/bucket'
import { folderOf, isBehindBlocks, ListedBlock, misnamed } from './listed.ts'

/** In key order, those with a folder that is misnamed last. */
type Batch = readonly ListedBlock[]

/** One page of a listing, after retries. Rejects with `listing-failed`, or with the reason of the run's signal. */
export type ListPages = (
  prefix: string,
  cursor: string | undefined,
  delimiter?: '/',
  after?: string | undefined,
) => Promise<ListPage>

/**
 * Pages of a recursive listing, in key order, as blocks. A block is given with the page after which it is known to be whole: one that
 * reaches into the next page waits for it.
 */
export class Pages {
  #after: BlockId | undefined
  #open: ListedBlock | undefined

  /** Keys that are not `wanted` are left out. `isLast`: no page follows that could have more of the last block. */
  add(
    page: ListPage,
    isLast: boolean,
    wanted: (key: string) => boolean,
  ): { readonly blocks: readonly ListedBlock[]; readonly bad: readonly ListedBlock[] } {
    const blocks: ListedBlock[] = []
    const bad: ListedBlock[] = []
    for (const info of listed(page)) {
      if (!wanted(info.key)) continue
      const id = folderOf(info.key)
      if (id === undefined && info.key.endsWith('/meta.json')) bad.push(...misnamed(info.key.slice(0, -9)))
      if (id === undefined) continue
      if (id !== this.#open?.id) {
        this.#close(blocks)
        assertOrder(id, this.#after)
        this.#open = new ListedBlock(id)
      }
      this.#open?.add(info)
    }
    if (isLast) this.#close(blocks)
    return { blocks, bad }
  }

  #close(blocks: ListedBlock[]): void {
    if (this.#open) blocks.push(this.#open)
    this.#after = this.#open?.id ?? this.#after
    this.#open = undefined
  }
}

/** Folders of a batch: a root page may name a thousand, and the first of them should not wait for the last. */
const FOLDERS = 250

/** The folders at the root, then each block's folder: for a bucket that holds much more than its blocks. */
export async function* listDelimited(
  list: ListPages,
  concurrency: number,
  signal: AbortSignal,
): AsyncGenerator<Batch, void> {
  let cursor: string | undefined
  let after: BlockId | undefined
  for (;;) {
    const page = await list('', cursor, '/')
    const unreadable = new Map(page.unreadable?.map(at => [at.key, at]))
    const prefixes = unreadable.size === 0 ? page.prefixes : [...page.prefixes, ...unreadable.keys()].sort(compareKeys)
    const folders = prefixes.filter(key => key.length === 27)
    const ids = folders.flatMap(key => folderOf(key) ?? [])
    const isLast =
      page.cursor === undefined || isBehindBlocks(page.prefixes.at(-1)) || isBehindBlocks(page.objects.at(-1)?.key)
    for (let start = 0; start === 0 || start < ids.length; start += FOLDERS) {
      const part = ids.slice(start, start + FOLDERS)
      for (const id of part) {
        assertOrder(id, after)
        after = id
      }
      const blocks = await eachBounded(part, concurrency, id => listFolder(list, id, unreadable.get(`${id}/`), signal))
      yield start + FOLDERS < ids.length ? blocks : [...blocks, ...folders.flatMap(misnamed)]
    }
    if (isLast) return
    cursor = page.cursor
  }
}

/** One block's folder. Where it cannot be listed, that block is unreadable, and the view is complete without it. */
async function listFolder(
  list: ListPages,
  id: BlockId,
  unreadable: UnreadableKey | undefined,
  signal: AbortSignal,
): Promise<ListedBlock> {
  const block = new ListedBlock(id)
  if (unreadable) block.add(unreadable)
  try {
    let cursor: string | undefined
    while (!block.unreadable) {
      const page = await list(`${id}/`, cursor)
      for (const info of listed(page)) block.add(info)
      cursor = page.cursor
      if (cursor === undefined) break
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason
    block.unreadable = { error }
  }
  return block
}

/** The objects and what cannot be read, in key order. */
function listed({ objects, unreadable = [] }: ListPage): readonly (ObjectInfo | UnreadableKey)[] {
  if (unreadable.length === 0) return objects
  return [...objects, ...unreadable].sort((a, b) => compareKeys(a.key, b.key))
}

/** A block that comes twice would be offered twice, and half of it would pass for a whole one. */
function assertOrder(id: BlockId, after: BlockId | undefined): void {
  if (after === undefined || id > after) return
  throw new BlockgateError(ErrorCode.listingFailed, `a listing must be in key order: ${id} comes after ${after}`)
}
