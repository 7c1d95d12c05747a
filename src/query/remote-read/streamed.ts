/**
 * Frames of `ChunkedReadResponse`: uvarint size | be32 CRC-32C of the message | message. Each has one series with its chunks as
 * they are stored; Prometheus makes a series of each frame, so a series is not split.
 */
import { BlockgateError, ErrorCode } from '../../contracts/errors.ts'
import type { StoredChunk } from '../../tsdb/chunk.ts'
import { advance, overZeros, START } from '../../tsdb/crc32c.ts'
import type { BlockChunk } from '../block-series.ts'
import type { Series } from '../querier.ts'
import { chunksToSend } from './chunks-to-send.ts'
import { LabelBytes } from './label-bytes.ts'
import type { ProtoWriter } from './proto-writer.ts'
import { copyBytes, intSize, putInt, putUint, uintSize } from './varint.ts'

/** What Prometheus' client takes of one frame (`chunked_read_limit`, 50 MB) has room for this and the labels. */
const MAX_SERIES_BYTES = 45_000_000

/** Of the frame that is being written: filled again for each. */
const labelBytes = new LabelBytes()
const sizes: number[] = []

/**
 * Writes the frame of one series.
 *
 * @throws BlockgateError `unsupported` for histograms of either kind; `query-too-large` for a series that no client takes
 */
export function writeFrame(out: ProtoWriter, { labels, chunks }: Series, queryIndex: number): void {
  const parts = chunksToSend(chunks)
  if (parts.length === 0) return
  let chunksSize = 0
  for (let i = 0; i < parts.length; i++) {
    const size = partSize(parts[i] as BlockChunk)
    sizes[i] = size
    chunksSize += 1 + uintSize(size) + size
  }
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
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] as BlockChunk
    at = putPartHead(bytes, at, part, sizes[i] as number)
    crc = advance(crc, view, summed, at)
    summed = copyBytes(part.chunk.view, part.chunk.start, part.chunk.end, view, at)
    crc = withData(crc, part.chunk, view, at, summed)
    at = summed
  }
  if (queryIndex !== 0) {
    bytes[at++] = 16
    at = putUint(bytes, at, queryIndex)
  }
  view.setUint32(crcAt, ~advance(crc, view, summed, at))
  out.length = at
}

/** Above that, a checksum is told by that of the chunk sooner than made anew. */
const SHORT_DATA = 100
/** The state behind the encoding alone. */
const afterEncoding = new Int32Array(256)
const one = new DataView(new ArrayBuffer(1))
for (let encoding = 0; encoding < 256; encoding++) {
  one.setUint8(0, encoding)
  afterEncoding[encoding] = advance(START, one, 0, 1)
}

/** The state `crc` behind the data of a chunk, which is [from, to) of `view`: the chunk's own checksum is known. */
function withData(crc: number, { encoding, crcState }: StoredChunk, view: DataView, from: number, to: number): number {
  if (to - from < SHORT_DATA) return advance(crc, view, from, to)
  return crcState ^ overZeros(crc ^ (afterEncoding[encoding] as number), to - from)
}

/** Of a Chunk: `int64 min_time_ms = 1, int64 max_time_ms = 2, enum type = 3, bytes data = 4`. */
function partSize({ from, to, chunk: { encoding, start, end } }: BlockChunk): number {
  const times = (from === 0 ? 0 : 1 + intSize(from)) + (to === 0 ? 0 : 1 + intSize(to))
  const length = end - start
  return times + 1 + uintSize(encoding) + 1 + uintSize(length) + length
}

/** All of a chunk but its data, with the tag of its field. */
function putPartHead(bytes: Uint8Array, start: number, { from, to, chunk }: BlockChunk, size: number): number {
  let at = start
  bytes[at++] = 18
  at = putUint(bytes, at, size)
  if (from !== 0) {
    bytes[at++] = 8
    at = putInt(bytes, at, from)
  }
  if (to !== 0) {
    bytes[at++] = 16
    at = putInt(bytes, at, to)
  }
  bytes[at++] = 24
  at = putUint(bytes, at, chunk.encoding)
  bytes[at++] = 34
  return putUint(bytes, at, chunk.end - chunk.start)
}
