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

/** As `listRecursive`, but for the order of the batches. Blocks with a folder that is misnamed come last. */
export async function* listSideBySide(options: SideBySide): AsyncGenerator<readonly ListedBlock[], void> {
  const listing = new Listing(options)
  try {
    for (;;) {
      const batch = await listing.next()
      if (!batch) break
      yield batch
    }
    if (listing.bad.length > 0) yield listing.bad
  } finally {
    await listing.end()
  }
}

class Listing {
  readonly bad: ListedBlock[] = []
  readonly #options: SideBySide
  readonly #ranges: Range[]
  readonly #workers = new Set<Promise<void>>()
  readonly #batches: (readonly ListedBlock[])[] = []
  #failed: { readonly error: unknown } | undefined
  #isEnded = false
  #wake = Promise.withResolvers<void>()
  /** What waits until more is wanted. */
  #more = Promise.withResolvers<void>()

  constructor(options: SideBySide) {
    const { known, concurrency, splits } = options
    this.#options = options
    this.#ranges = [...rangesOf(known.ids, known.count, splits.areKnown ? concurrency : 1)]
    this.#start()
  }

  /** The next batch of any range; undefined at the end. @throws what a page was rejected with */
  async next(): Promise<readonly ListedBlock[] | undefined> {
    for (;;) {
      if (this.#failed) throw this.#failed.error
      const batch = this.#batches.shift()
      // Of one range nothing is asked for before the batch was used: a run that is cut off then has asked for nothing in vain.
      if (!batch || this.#batches.length < Math.floor(this.#workers.size / 2)) this.#wantMore()
      if (batch) return batch
      if (this.#workers.size === 0) return undefined
      this.#wake = Promise.withResolvers()
      await this.#wake.promise
    }
  }

  /** Waits for what is under way: nothing is left behind. */
  async end(): Promise<void> {
    this.#isEnded = true
    this.#wantMore()
    await Promise.all(this.#workers)
  }

  #start(): void {
    while (!this.#isEnded && this.#workers.size < this.#options.concurrency) {
      const range = this.#ranges.shift()
      if (!range) return
      const work = this.#list(range)
        .catch((error: unknown) => {
          this.#failed ??= { error }
          this.#isEnded = true
          this.#wantMore()
        })
        .finally(() => {
          this.#workers.delete(work)
          this.#start()
          this.#wake.resolve()
        })
      this.#workers.add(work)
    }
  }

  async #list(range: Range): Promise<void> {
    const { list, splits, concurrency } = this.#options
    const pages = new Pages()
    let cursor: string | undefined
    while (!this.#isEnded) {
      const page = await list('', cursor, undefined, range.after)
      const [first, last] = [page.objects[0]?.key, page.objects.at(-1)?.key]
      if (range.after !== undefined && first !== undefined && compareKeys(first, range.after) <= 0)
        splits.areKnown = false
      const isLast = page.cursor === undefined || isBehindBlocks(last) || isBehind(last, range.until)
      const { blocks, bad } = pages.add(page, isLast, key => !isBehind(key, range.until) && !isBefore(key, range.after))
      this.bad.push(...bad)
      if (!isLast && splits.areKnown && this.#workers.size < concurrency) this.#divide(range, page)
      this.#batches.push(blocks)
      this.#wake.resolve()
      if (isLast) return
      await this.#more.promise
      cursor = page.cursor
    }
  }

  #divide(range: Range, { objects, unreadable = [] }: ListPage): void {
    const { now, fullPage = FULL_PAGE } = this.#options
    // What cannot be read may lie far behind the last object, and would be listed twice.
    if (--range.pages > 0 || objects.length < fullPage || unreadable.length > 0) return
    const at = middle(range, objects[0]?.key, objects.at(-1)?.key, now)
    if (at === undefined) return
    this.#ranges.push({ after: at, until: range.until, pages: 0 })
    range.until = at
    this.#start()
  }

  #wantMore(): void {
    this.#more.resolve()
    this.#more = Promise.withResolvers()
  }
}

function isBehind(key: string | undefined, until: string | undefined): boolean {
  return key !== undefined && until !== undefined && compareKeys(key, until) > 0
}

function isBefore(key: string, after: string | undefined): boolean {
  return after !== undefined && compareKeys(key, after) <= 0
}
