/** Series and their chunks, a batch after the other: the chunks of a query may not all be in memory at once. */
import { eachBounded } from '../async/each.ts'
import type { BlockQuery } from './block.ts'
import type { BlockChunk, BlockSeries, Series } from './block-series.ts'
import type { Label } from './labels.ts'
import type { QueryRun } from './query-run.ts'
import { chunksOf, type SegmentReads } from './segments.ts'
import { StoredSeries } from './stored-series.ts'

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
export const BLOCKS_AT_ONCE = 8
/** Of one batch: some 2 MB of chunks, in one round of reads. The series that goes beyond is its last one. */
const MAX_CHUNKS = 8192
const MAX_SERIES = 1024

/** Series that are taken in some 50 µs. */
const STEP = 32

/** The next series whose chunks are read together: none where there is none left. */
export async function nextBatch(
  selected: Iterator<Selected>,
  run: Pick<QueryRun, 'pause'>,
): Promise<readonly Selected[]> {
  const batch: Selected[] = []
  for (let chunks = 0; batch.length < MAX_SERIES && chunks < MAX_CHUNKS; ) {
    const next = selected.next()
    if (next.done) break
    batch.push(next.value)
    for (const { series } of next.value.parts) chunks += series.chunks.length / 3
    const turn = batch.length % STEP === 0 ? run.pause() : undefined
    if (turn) await turn
  }
  return batch
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
  const bad = new Set<BlockQuery>()
  const read = await eachBounded([...asked], BLOCKS_AT_ONCE, async ([query, series]) => {
    const { ulid } = query
    const found = await run.of(ulid, async () => {
      const files = await run.times.of(ulid).timed('chunks', () => query.chunks(series))
      // A block that is left out where it is bad must say so before anything of it is used.
      if (run.leavesOutBad) for (const each of series) chunksOf(each, files)
      return files
    })
    if (!found) bad.add(query)
    return [query, found] as const
  })
  const files = new Map(read)
  const series: Series[] = []
  for (const { labels, parts } of batch) {
    const good = bad.size === 0 ? parts : parts.filter(({ query }) => !bad.has(query))
    const [first] = good
    if (!first) continue
    if (good.length === 1) series.push(new StoredSeries(labels, first.series, files.get(first.query) as SegmentReads))
    else {
      const all = good.flatMap(({ query, series }) => chunksOf(series, files.get(query) as SegmentReads))
      series.push({ labels, chunks: distinct(all) })
    }
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
