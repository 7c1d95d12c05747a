/** Series and their chunks, a batch after the other: the chunks of a query may not all be in memory at once. */
import { eachBounded } from '../async/each.ts'
import type { BlockQuery } from './block.ts'
import type { BlockChunk, BlockSeries } from './block-series.ts'
import type { Label } from './labels.ts'
import type { QueryRun } from './query-run.ts'

export interface Series {
  /** With the external labels of its blocks, sorted by name. */
  readonly labels: readonly Label[]
  /** By their first time; each once, whole: samples before `from` and after `to` may be in them. */
  readonly chunks: readonly BlockChunk[]
}

/** What one block has of a series. */
export interface BlockPart {
  readonly query: BlockQuery
  readonly series: BlockSeries
}

/** A series whose chunks are not read yet. */
export interface Selected {
  readonly labels: readonly Label[]
  readonly parts: readonly BlockPart[]
}

/** Blocks that are asked side by side. */
const BLOCKS_AT_ONCE = 8
/** Of one batch: some 2 MB of chunks, in one round of reads. The series that goes beyond is its last one. */
const MAX_CHUNKS = 8192
const MAX_SERIES = 1024

/** Where the batch ends that begins with series `start`: exclusive, and behind `start`. */
export function batchEnd(selected: readonly Selected[], start: number): number {
  let chunks = 0
  let end = start
  while (end < selected.length && end - start < MAX_SERIES && chunks < MAX_CHUNKS) {
    for (const { series } of (selected[end] as Selected).parts) chunks += series.chunks.length / 3
    end++
  }
  return end
}

/** Reads the chunks of all, block by block. */
export async function withChunks(batch: readonly Selected[], run: QueryRun): Promise<readonly Series[]> {
  const asked = new Map<BlockQuery, BlockSeries[]>()
  for (const { parts } of batch)
    for (const { query, series } of parts) {
      const known = asked.get(query)
      if (known) known.push(series)
      else asked.set(query, [series])
    }
  const read = await eachBounded([...asked], BLOCKS_AT_ONCE, async ([query, series]) => {
    const { ulid } = query
    const found = await run.of(ulid, () => run.times.of(ulid).timed('chunks', () => query.chunks(series)))
    return [query, found ?? []] as const
  })
  // The series of a block were asked for in the order of the batch, and so are they found.
  const next = new Map(read.map(([query, found]) => [query, { found, at: 0 }]))
  const chunksOf = (query: BlockQuery): readonly BlockChunk[] => {
    const of = next.get(query) as { found: readonly (readonly BlockChunk[])[]; at: number }
    return of.found[of.at++] ?? []
  }
  const series: Series[] = []
  for (const { labels, parts } of batch) {
    const [first] = parts
    const chunks =
      first && parts.length === 1 ? chunksOf(first.query) : distinct(parts.flatMap(({ query }) => chunksOf(query)))
    // Of a bad block nothing is left.
    if (chunks.length > 0 || run.warnings.length === 0) series.push({ labels, chunks })
  }
  return series
}

/** By time, and identical ones once: replicas of a block have the same chunks. */
function distinct(chunks: readonly BlockChunk[]): readonly BlockChunk[] {
  const sorted = [...chunks].sort((a, b) => a.from - b.from || a.to - b.to)
  return sorted.filter((chunk, i) => {
    for (let j = i - 1; j >= 0 && sorted[j]?.from === chunk.from; j--)
      if (isSame(sorted[j] as BlockChunk, chunk)) return false
    return true
  })
}

function isSame(a: BlockChunk, b: BlockChunk): boolean {
  const [x, y] = [a.chunk, b.chunk]
  return (
    a.to === b.to &&
    // What was deleted of one block may still be there in the other.
    a.deleted === undefined &&
    b.deleted === undefined &&
    x.encoding === y.encoding &&
    x.data.length === y.data.length &&
    x.data.every((byte, i) => byte === y.data[i])
  )
}
