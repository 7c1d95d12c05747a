/** A series of one block whose chunks were read and not looked at yet: those that are passed on as they are stored are no objects. */
import { ChunkEncoding, chunkOffset, chunkSegment } from '../tsdb/chunk.ts'
import type { BlockChunk, BlockSeries, Series } from './block-series.ts'
import type { ChunkPlaces } from './chunk-places.ts'
import type { Label } from './labels.ts'
import { chunksOf, type SegmentRead, type SegmentReads } from './segments.ts'

export class StoredSeries implements Series {
  readonly labels: readonly Label[]
  readonly #series: BlockSeries
  readonly #files: SegmentReads

  constructor(labels: readonly Label[], series: BlockSeries, files: SegmentReads) {
    this.labels = labels
    this.#series = series
    this.#files = files
  }

  /** Made, and their checksums compared, at each call. @throws BlockgateError `corrupt-block` */
  get chunks(): readonly BlockChunk[] {
    return chunksOf(this.#series, this.#files)
  }

  /**
   * Puts the chunks into `places`, of none of which the checksum was compared: of encoding and data, it is in the 4 bytes behind these.
   *
   * @returns false where they cannot be passed on as they are: they overlap, something was deleted of them, older clients refuse their
   * encoding, or one is cut. `chunks` tells.
   */
  place(places: ChunkPlaces): boolean {
    const { chunks, deleted } = this.#series
    if (deleted !== undefined) return false
    let before = Number.NEGATIVE_INFINITY
    let segment = -1
    let file: SegmentRead | undefined
    for (let i = 0; i < chunks.length; i += 3) {
      const from = chunks[i] as number
      const to = chunks[i + 1] as number
      const ref = chunks[i + 2] as number
      const own = chunkSegment(ref)
      if (own !== segment) file = this.#files.get(own)
      segment = own
      if (file === undefined || from <= before) return false
      before = to
      const { cursor } = file
      const offset = chunkOffset(ref)
      cursor.moveTo(offset)
      const { bytes, view } = cursor
      let at = offset - cursor.offset
      // A uvarint: a chunk of 120 samples takes one or two bytes for its length, and one of more than three is read the slow way.
      let length = bytes[at++] as number
      if (length >= 128) {
        const second = bytes[at++] as number
        length = (length & 127) | ((second & 127) << 7)
        if (second >= 128) {
          const third = bytes[at++] as number
          if (third >= 128) return false
          length |= third << 14
        }
      }
      const encoding = bytes[at++] as number
      const end = at + length
      if (!(end + 4 <= bytes.length) || encoding > ChunkEncoding.floatHistogram) return false
      places.add(from, to, view, encoding, at, end)
    }
    return true
  }
}
