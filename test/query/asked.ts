/** Blocks in memory, asked with selectors as texts. */
import type { LabelMatcher } from '../../src/query/matchers.ts'
import { Querier, type QuerierOptions } from '../../src/query/querier.ts'
import { parseSelector } from '../../src/query/selector.ts'
import { type Given, sinkOf } from './sink-of.ts'

const { signal } = new AbortController()

/** `n="1",i=~"a|b"`; it may select the empty text, which selectors of PromQL must not. */
export function matchersOf(text: string): readonly LabelMatcher[] {
  return parseSelector(`{${text},another="x"}`).slice(0, -1)
}

export interface Range {
  readonly from: number
  readonly to: number
}

export function asking(blocks: readonly Given[], range: Range, options: Partial<QuerierOptions> = {}) {
  const { sink, state } = sinkOf(...blocks)
  const querier = new Querier({ sink, ...options })
  return {
    state,
    /** Of each series its labels, and how many chunks it has. */
    async series(text: string, { from, to } = range): Promise<readonly (readonly [labels: string, chunks: number])[]> {
      const found: [string, number][] = []
      for await (const batch of querier.select({ matchers: matchersOf(text), from, to }, signal)) {
        for (const { labels, chunks } of batch) found.push([shown(labels), chunks.length])
      }
      return found
    },
    /** The same without chunks. */
    async labelSets(text: string, { from, to } = range): Promise<readonly string[]> {
      const found: string[] = []
      for await (const labels of querier.labelSets({ matchers: matchersOf(text), from, to }, signal))
        found.push(shown(labels))
      return found
    },
    names: async (text: string | undefined, { from, to } = range) =>
      await querier.labelNames({ match: text === undefined ? [] : [matchersOf(text)], from, to }, signal),
    values: async (name: string, text: string | undefined, { from, to } = range) =>
      await querier.labelValues(name, { match: text === undefined ? [] : [matchersOf(text)], from, to }, signal),
  }
}

function shown(labels: readonly (readonly [name: string, value: string])[]): string {
  return labels.map(([name, value]) => `${name}=${value}`).join()
}
