/** The segment files in which the chunks of series are. */
import { chunkOffset, chunkSegment, readChunkOf } from '../tsdb/chunk.ts'
import type { BlockChunk, BlockSeries } from './block-series.ts'
import { deletedWithin } from './deleted.ts'
import type { PartCursor } from './runs.ts'

/** What was read of a segment file. */
export interface SegmentRead {
  /** Names the file in errors. */
  readonly what: string
  readonly cursor: PartCursor
}

/** Of one block, by the numbers of its segment files. */
export type SegmentReads = ReadonlyMap<number, SegmentRead>

/** The chunks of a series, from the segment files that were read. @throws BlockgateError `corrupt-block` */
export function chunksOf({ chunks, deleted }: BlockSeries, files: SegmentReads): BlockChunk[] {
  const found: BlockChunk[] = []
  for (let i = 0; i < chunks.length; i += 3) {
    const ref = chunks[i + 2] as number
    const { what, cursor } = files.get(chunkSegment(ref)) as SegmentRead
    const offset = chunkOffset(ref)
    cursor.moveTo(offset)
    const chunk = readChunkOf(cursor.bytes, cursor.view, offset - cursor.offset, what, offset)
    const [from, to] = [chunks[i] as number, chunks[i + 1] as number]
    found.push({ from, to, chunk, deleted: deleted && deletedWithin(deleted, from, to) })
  }
  return found
}

/** Where their chunks begin, ascending, by the numbers of their segment files. */
export function offsetsOf(series: readonly BlockSeries[]): ReadonlyMap<number, Float64Array> {
  const bySegment = new Map<number, number[]>()
  let last = -1
  let list: number[] = []
  for (const { chunks } of series) {
    for (let i = 2; i < chunks.length; i += 3) {
      const ref = chunks[i] as number
      const segment = chunkSegment(ref)
      if (segment !== last) {
        list = bySegment.get(segment) ?? []
        bySegment.set(segment, list)
        last = segment
      }
      list.push(chunkOffset(ref))
    }
  }
  return new Map(Array.from(bySegment, ([segment, offsets]) => [segment, new Float64Array(offsets).sort()]))
}

export function segmentName(segment: number): string {
  return `chunks/${String(segment + 1).padStart(6, '0')}`
}
