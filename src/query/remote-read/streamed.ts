/**
 * Frames of `ChunkedReadResponse`: uvarint size | be32 CRC-32C of the message | message. Each has one series with its chunks as
 * they are stored; Prometheus makes a series of each frame, so a series is not split.
 */
import { BlockgateError, ErrorCode } from '../../contracts/errors.ts'
import { advance, copyAdvance, overZeros, START } from '../../tsdb/crc32c.ts'
import { ChunkPlaces } from '../chunk-places.ts'
import type { Label } from '../labels.ts'
import type { Series } from '../querier.ts'
import { StoredSeries } from '../stored-series.ts'
import { chunksToSend } from './chunks-to-send.ts'
import { LabelBytes } from './label-bytes.ts'
import type { ProtoWriter } from './proto-writer.ts'
import { copyBytes, intSize, putInt, putUint, uintSize } from './varint.ts'

/** What Prometheus' client takes of one frame (`chunked_read_limit`, 50 MB) has room for this and the labels. */
const MAX_SERIES_BYTES = 45_000_000

/** Of the frame that is being written: filled again for each. */
const labelBytes = new LabelBytes()
const places = new ChunkPlaces()
/** Bytes of each chunk's message. */
let sizes = new Int32Array(64)

/**
 * Writes the frame of one series. Chunks that are passed on as they are stored are copied once, and their checksums compared on the way.
 *
 * @returns how many samples are in it
 * @throws BlockgateError `unsupported` for chunks of other encodings; `corrupt-block`; `query-too-large` for a series that no client takes
 */
export function writeFrame(out: ProtoWriter, series: Series, queryIndex: number): number {
  try {
    places.clear()
    const isStored = series instanceof StoredSeries && series.place(places)
    if (!isStored) {
      places.clear()
      for (const chunk of chunksToSend(series.chunks)) places.addChunk(chunk)
    }
    if (places.length === 0) return 0
    if (writePlaces(out, series.labels, queryIndex, isStored)) return samplesOf()
    // Says which one is damaged.
    void series.chunks
    throw new BlockgateError(ErrorCode.corruptBlock, 'a chunk of a series has another checksum than its data')
  } finally {
    places.clear()
  }
}

/** @returns false where the checksum of a chunk is not that of its data: then nothing was written */
function writePlaces(out: ProtoWriter, labels: readonly Label[], queryIndex: number, isStored: boolean): boolean {
  const { length, places: at4, views } = places
  const chunksSize = sizeOfChunks()
  if (chunksSize > MAX_SERIES_BYTES) {
    const text = `one series must have at most ${MAX_SERIES_BYTES} bytes of chunks: it has ${chunksSize}`
    throw new BlockgateError(ErrorCode.queryTooLarge, `${text}; ask for a shorter time`)
  }
  labelBytes.set(labels)
  const seriesSize = labelBytes.length + chunksSize
  const size = 1 + uintSize(seriesSize) + seriesSize + (queryIndex === 0 ? 0 : 1 + uintSize(queryIndex))
  out.reserve(10 + 4 + size)
  const { bytes, view } = out
  const crcAt = putUint(bytes, out.length, size)
  let at = crcAt + 4
  let crc = START
  let summed = at
  bytes[at++] = 10
  at = putUint(bytes, at, seriesSize)
  at = labelBytes.put(view, at)
  for (let i = 0; i < length; i++) {
    const source = views[i] as DataView
    const encoding = at4[4 * i] as number
    const start = at4[4 * i + 1] as number
    const end = at4[4 * i + 2] as number
    at = putChunkHead(bytes, at, i)
    crc = advance(crc, view, summed, at)
    // The state behind encoding and data is that of the chunk's own checksum.
    const first = afterEncoding[encoding] as number
    let state = at4[4 * i + 3] as number
    if (isStored) {
      state = copyAdvance(first, source, start, end, view, at)
      if (source.getInt32(end) !== ~state) return false
    } else copyBytes(source, start, end, view, at)
    summed = at + end - start
    crc = end - start < SHORT_DATA ? advance(crc, view, at, summed) : state ^ overZeros(crc ^ first, end - start)
    at = summed
  }
  if (queryIndex !== 0) {
    bytes[at++] = 16
    at = putUint(bytes, at, queryIndex)
  }
  view.setUint32(crcAt, ~advance(crc, view, summed, at))
  out.length = at
  return true
}

/** Above that, a checksum is told by that of the chunk sooner than made anew. */
const SHORT_DATA = 16
/** The state behind the encoding alone. */
const afterEncoding = new Int32Array(256)
const one = new DataView(new ArrayBuffer(1))
for (let encoding = 0; encoding < 256; encoding++) {
  one.setUint8(0, encoding)
  afterEncoding[encoding] = advance(START, one, 0, 1)
}

/** Of a Chunk: `int64 min_time_ms = 1, int64 max_time_ms = 2, enum type = 3, bytes data = 4`. @returns bytes of all, tags and sizes included */
function sizeOfChunks(): number {
  const { length, times, places: at4 } = places
  if (length > sizes.length) sizes = new Int32Array(2 * length)
  let sum = 0
  for (let i = 0; i < length; i++) {
    const from = times[2 * i] as number
    const to = times[2 * i + 1] as number
    const data = (at4[4 * i + 2] as number) - (at4[4 * i + 1] as number)
    const timeSize = (from === 0 ? 0 : 1 + intSize(from)) + (to === 0 ? 0 : 1 + intSize(to))
    const size = timeSize + 1 + uintSize(at4[4 * i] as number) + 1 + uintSize(data) + data
    sizes[i] = size
    sum += 1 + uintSize(size) + size
  }
  return sum
}

/** All of a chunk but its data, with the tag of its field. */
function putChunkHead(bytes: Uint8Array, start: number, i: number): number {
  const { times, places: at4 } = places
  const from = times[2 * i] as number
  const to = times[2 * i + 1] as number
  let at = start
  bytes[at++] = 18
  at = putUint(bytes, at, sizes[i] as number)
  if (from !== 0) {
    bytes[at++] = 8
    at = putInt(bytes, at, from)
  }
  if (to !== 0) {
    bytes[at++] = 16
    at = putInt(bytes, at, to)
  }
  bytes[at++] = 24
  at = putUint(bytes, at, at4[4 * i] as number)
  bytes[at++] = 34
  return putUint(bytes, at, (at4[4 * i + 2] as number) - (at4[4 * i + 1] as number))
}

/** Every encoding begins with the number of its samples, in two bytes. */
function samplesOf(): number {
  let count = 0
  for (let i = 0; i < places.length; i++) {
    const start = places.places[4 * i + 1] as number
    if ((places.places[4 * i + 2] as number) - start >= 2) count += (places.views[i] as DataView).getUint16(start)
  }
  return count
}
