/** A source that shows what a test says. */
import type { BlockSource, Candidate, Page, PartialBlock, ViewEnd } from 'blockgate'
import { compareTail } from 'blockgate/source'

export interface ScriptedSource extends BlockSource {
  list: readonly Candidate[]
  partial: readonly PartialBlock[]
  complete: boolean
  /** As in ViewEnd. */
  cause: unknown
  pageSize: number
  /** Thrown instead of the next page. */
  error: Error | undefined
  readonly listings: number
  /** What a look at new blocks shows: undefined, as in the beginning, where everything must be listed. */
  news: readonly Candidate[] | undefined
  readonly looks: number
}

export function scriptedSource(list: readonly Candidate[]): ScriptedSource {
  const source = {
    kind: 'source' as const,
    name: 'scripted',
    list,
    partial: [] as readonly PartialBlock[],
    complete: true,
    cause: undefined as unknown,
    pageSize: 1000,
    error: undefined as Error | undefined,
    listings: 0,
    news: undefined as readonly Candidate[] | undefined,
    looks: 0,
    tail() {
      const { news } = source
      if (!news) return undefined
      source.looks++
      return { pages: source.show(news), compare: compareTail }
    },
    async *show(blocks: readonly Candidate[]): AsyncGenerator<Page, ViewEnd, undefined> {
      if (source.error) throw source.error
      yield { blocks, partial: source.partial }
      return { complete: source.complete, cause: source.cause }
    },
    async *pages(): AsyncGenerator<Page, ViewEnd, undefined> {
      source.listings++
      const all = source.list
      for (let at = 0; at < all.length; at += source.pageSize) {
        if (source.error) throw source.error
        yield { blocks: all.slice(at, at + source.pageSize), partial: [] }
      }
      if (source.error) throw source.error
      yield { blocks: [], partial: source.partial }
      return { complete: source.complete, cause: source.cause }
    },
  }
  return source
}
