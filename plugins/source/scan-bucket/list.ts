/** The two ways to list a bucket: each gives the blocks it saw, a batch at a time, in key order. */
import { BlockgateError, type BlockId, ErrorCode, type ListPage, type ObjectInfo, type UnreadableKey } from 'blockgate'
import { compareKeys } from 'blockgate/bucket'
import { addListed, emptyBlock, folderOf, isBehindBlocks, isMisnamed, type ListedBlock } from './listed.ts'
import { inOrder } from './pool.ts'
import type { Position } from './token.ts'

export interface Batch {
  readonly blocks: readonly ListedBlock[]
  /** Folders that are named by a ULID in lower case. */
  readonly misnamed: readonly string[]
  /** Where the next batch begins; undefined after the last one. */
  readonly next: Position | undefined
}

/** One page of a listing. Retried: an error is the last word, `listing-failed`, or the reason of the run's signal. */
export type ListPages = (prefix: string, cursor: string | undefined, delimiter?: '/') => Promise<ListPage>

/**
 * Everything in the bucket, a batch for each listing page. A block is in the batch of the page after which it is known
 * to be whole: one that reaches into the next page waits for it.
 */
export async function* listRecursive(list: ListPages, from: Position | undefined): AsyncGenerator<Batch, void> {
  let cursor = from?.cursor
  let after = from?.after
  let open: { readonly block: ListedBlock; readonly cursor: string | undefined } | undefined
  for (;;) {
    const page = await list('', cursor)
    const blocks: ListedBlock[] = []
    const misnamed: string[] = []
    const close = () => {
      if (open) blocks.push(open.block)
      after = open?.block.id ?? after
      open = undefined
    }
    for (const info of listed(page)) {
      const id = folderOf(info.key)
      if (id === undefined && info.key.endsWith('/meta.json') && isMisnamed(info.key.slice(0, -9))) {
        misnamed.push(info.key.slice(0, -10))
      }
      if (id === undefined || isYielded(id, from)) continue
      if (id !== open?.block.id) {
        close()
        assertOrder(id, after)
        open = { block: emptyBlock(id), cursor }
      }
      if (open) addListed(open.block, info)
    }
    const last = page.cursor === undefined || isBehindBlocks(page.objects.at(-1)?.key)
    if (last) close()
    yield { blocks, misnamed, next: last ? undefined : { cursor: open ? open.cursor : page.cursor, after } }
    if (last) return
    cursor = page.cursor
  }
}

/** Folders whose listings are asked for before a batch goes out: a root page may name a thousand. */
const FOLDERS = 250

/** The folders at the root, then each block's folder: for a bucket that holds much beside its blocks. */
export async function* listDelimited(
  list: ListPages,
  from: Position | undefined,
  concurrency: number,
  signal: AbortSignal,
): AsyncGenerator<Batch, void> {
  let cursor = from?.cursor
  let after = from?.after
  for (;;) {
    const page = await list('', cursor, '/')
    const bad = new Map(page.unreadable?.map(at => [at.key, at]))
    const folders = bad.size === 0 ? page.prefixes : [...page.prefixes, ...bad.keys()].sort(compareKeys)
    const ids = folders.flatMap(prefix => (prefix.length === 27 ? (folderOf(prefix) ?? []) : []))
    const fresh = ids.filter(id => !isYielded(id, from))
    const last =
      page.cursor === undefined || isBehindBlocks(page.prefixes.at(-1)) || isBehindBlocks(page.objects.at(-1)?.key)
    for (let start = 0; start === 0 || start < fresh.length; start += FOLDERS) {
      const part = fresh.slice(start, start + FOLDERS)
      for (const id of part) {
        assertOrder(id, after)
        after = id
      }
      const blocks = await inOrder(part, concurrency, async (id): Promise<ListedBlock> => {
        const unreadable = bad.get(`${id}/`)
        return unreadable ? { ...emptyBlock(id), unreadable } : await listFolder(list, id, signal)
      })
      const partEnd = start + FOLDERS >= fresh.length
      yield {
        blocks,
        misnamed: partEnd ? page.prefixes.filter(isMisnamed).map(prefix => prefix.slice(0, -1)) : [],
        next: partEnd && last ? undefined : { cursor: partEnd ? page.cursor : cursor, after },
      }
    }
    if (last) return
    cursor = page.cursor
  }
}

/** One block's folder. That it cannot be listed is that block's trouble, not the view's. */
async function listFolder(list: ListPages, id: BlockId, signal: AbortSignal): Promise<ListedBlock> {
  const block = emptyBlock(id)
  try {
    let cursor: string | undefined
    do {
      const page = await list(`${id}/`, cursor)
      for (const info of listed(page)) addListed(block, info)
      cursor = page.cursor
    } while (cursor !== undefined)
    return block
  } catch (error) {
    if (signal.aborted) throw signal.reason
    return { ...emptyBlock(id), unreadable: { error } }
  }
}

/** The objects and what cannot be read, in key order. */
function listed({ objects, unreadable = [] }: ListPage): readonly (ObjectInfo | UnreadableKey)[] {
  if (unreadable.length === 0) return objects
  return [...objects, ...unreadable].sort((a, b) => compareKeys(a.key, b.key))
}

/** A resumed listing begins with the page on which it left off: the blocks of its head were yielded before. */
function isYielded(id: BlockId, from: Position | undefined): boolean {
  return from?.after !== undefined && id <= from.after
}

/** A block that comes twice would be offered twice, and half of it as if it were whole. */
function assertOrder(id: BlockId, after: BlockId | undefined): void {
  if (after === undefined || id > after) return
  throw new BlockgateError(ErrorCode.listingFailed, `a listing must be in key order: ${id} comes after ${after}`)
}
