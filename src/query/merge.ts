/** The series of all blocks of a query in the order of their labels, each made when it is asked for. */
import type { BlockPart, Selected } from './batch.ts'
import type { BlockQuery } from './block.ts'
import type { BlockSelection } from './block-selection.ts'
import type { BlockSeries } from './block-series.ts'
import { compareLabels } from './labels.ts'

/** What one block has. */
export interface MergeSource {
  readonly query: BlockQuery
  readonly series: BlockSelection
}

/** The next series of a block. */
interface Head {
  readonly query: BlockQuery
  readonly rest: Iterator<BlockSeries>
  /** Of series with the same labels, the one of the block that comes first is the first part. */
  readonly place: number
  series: BlockSeries
}

/** By their labels; those with the same labels as one. */
export function* merged(sources: readonly MergeSource[]): Generator<Selected, void, undefined> {
  const heads: Head[] = []
  for (const [place, { query, series }] of sources.entries()) {
    const rest = series[Symbol.iterator]()
    const first = rest.next()
    if (!first.done) heads.push({ query, rest, place, series: first.value })
  }
  for (let i = (heads.length >> 1) - 1; i >= 0; i--) sink(heads, i)
  while (heads.length > 0) {
    const { labels } = (heads[0] as Head).series
    const parts: BlockPart[] = []
    do {
      const { query, series } = heads[0] as Head
      parts.push({ query, series })
      advance(heads)
    } while (heads.length > 0 && compareLabels((heads[0] as Head).series.labels, labels) === 0)
    yield { labels, parts }
  }
}

/** Puts the next series of the first block in the place of its last one. */
function advance(heads: Head[]): void {
  const head = heads[0] as Head
  const next = head.rest.next()
  if (!next.done) head.series = next.value
  else {
    const last = heads.pop() as Head
    if (heads.length === 0) return
    heads[0] = last
  }
  sink(heads, 0)
}

/** A heap: none comes before the one at half its place. Moves the one at `start` behind those that come before it. */
function sink(heads: Head[], start: number): void {
  const head = heads[start] as Head
  let place = start
  for (;;) {
    let child = 2 * place + 1
    if (child >= heads.length) break
    if (child + 1 < heads.length && isBefore(heads[child + 1] as Head, heads[child] as Head)) child++
    if (!isBefore(heads[child] as Head, head)) break
    heads[place] = heads[child] as Head
    place = child
  }
  heads[place] = head
}

function isBefore(a: Head, b: Head): boolean {
  const order = compareLabels(a.series.labels, b.series.labels)
  return order < 0 || (order === 0 && a.place < b.place)
}
