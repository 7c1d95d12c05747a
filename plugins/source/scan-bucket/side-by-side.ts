/** A recursive listing whose pages are read side by side: one after another, a million objects at 30 ms a page take half a minute. */
import type { BlockId, ListPage } from 'blockgate'
import { compareKeys } from 'blockgate/bucket'
import { type ListPages, Pages } from './list.ts'
import { isBehindBlocks, type ListedBlock } from './listed.ts'
import { middle, type Range, rangesOf } from './ranges.ts'

export interface SideBySide {
  readonly list: ListPages
  /** Requests at once. */
  readonly concurrency: number
  /** No block is expected behind this time, ms. */
  readonly now: number
  /** What earlier runs have seen. */
  readonly known: { readonly ids: Iterable<BlockId>; readonly count: number }
  /** Only keys behind it, a time as ULIDs begin with it, are listed. Default: all. */
  readonly from?: string | undefined
  /** What is remembered of the bucket from run to run. */
  readonly splits: Splits
  /** A page of fewer objects does not show how many follow. Default 500: stores give 1,000. */
  readonly fullPage?: number
}

const FULL_PAGE = 500

/** A bucket that takes no notice of `after` lists from the start: it is noticed, and from then on its pages are read one after another. */
export interface Splits {
  areKnown: boolean
}

/** A batch for each page, in no order of the pages. Blocks with a folder that is misnamed come last. */
export async function* listSideBySide(options: SideBySide): AsyncGenerator<readonly ListedBlock[], void> {
  const { list, concurrency, now, known, splits, from, fullPage = FULL_PAGE } = options
  const bad: ListedBlock[] = []
  const batches: (readonly ListedBlock[])[] = []
  const workers = new Set<Promise<void>>()
  let failed: { readonly error: unknown } | undefined
  let isEnded = false
  /** Told when there is a batch, or one worker less. */
  let wake = Promise.withResolvers<void>()
  /** Told when more batches are wanted. */
  let more = Promise.withResolvers<void>()

  const wantMore = () => {
    more.resolve()
    more = Promise.withResolvers()
  }

  const divide = (range: Range, { objects, unreadable = [] }: ListPage) => {
    // What cannot be read may lie far behind the last object, and would be listed twice.
    if (--range.pages > 0 || objects.length < fullPage || unreadable.length > 0) return
    const at = middle(range, objects[0]?.key, objects.at(-1)?.key, now)
    if (at === undefined) return
    begin({ after: at, until: range.until, pages: 0 })
    range.until = at
  }

  const work = async (range: Range) => {
    const { after } = range
    const pages = new Pages()
    let cursor: string | undefined
    while (!isEnded) {
      const page = await list('', cursor, undefined, after)
      const first = page.objects[0]?.key
      const last = page.objects.at(-1)?.key
      if (first !== undefined && !isBehind(first, after)) splits.areKnown = false
      const { until } = range
      const isLast = page.cursor === undefined || isBehindBlocks(last) || (last !== undefined && !isUpTo(last, until))
      const found = pages.add(page, isLast, key => isBehind(key, after) && isUpTo(key, until))
      bad.push(...found.bad)
      if (!isLast && splits.areKnown && workers.size < concurrency) divide(range, page)
      batches.push(found.blocks)
      wake.resolve()
      // Once it has ended nobody asks for more.
      if (isLast || isEnded) return
      await more.promise
      cursor = page.cursor
    }
  }

  const begin = (range: Range) => {
    const worker = work(range)
      .catch((error: unknown) => {
        failed ??= { error }
      })
      .finally(() => {
        workers.delete(worker)
        wake.resolve()
      })
    workers.add(worker)
  }

  try {
    if (from !== undefined) begin({ after: from, until: undefined, pages: 1 })
    else for (const range of rangesOf(known.ids, known.count, splits.areKnown ? concurrency : 1)) begin(range)
    while (!failed && (batches.length > 0 || workers.size > 0)) {
      wake = Promise.withResolvers()
      const batch = batches.shift()
      // Of one range nothing is asked for before the batch was used: a run that is cut off then has asked for nothing in vain.
      if (!batch || batches.length < Math.floor(workers.size / 2)) wantMore()
      if (batch) yield batch
      else await wake.promise
    }
    if (failed) throw (failed as { readonly error: unknown }).error
    if (bad.length > 0) yield bad
  } finally {
    // Nothing is left behind.
    isEnded = true
    wantMore()
    await Promise.all(workers)
  }
}

function isBehind(key: string, after: string | undefined): boolean {
  return after === undefined || compareKeys(key, after) > 0
}

function isUpTo(key: string, until: string | undefined): boolean {
  return until === undefined || compareKeys(key, until) <= 0
}
