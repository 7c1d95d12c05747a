/**
 * Frames of `ChunkedReadResponse`: uvarint size | be32 CRC-32C of the message | message. Each has one series with its chunks as
 * they are stored; Prometheus makes a series of each frame, so a series is not split.
 */
import { BlockgateError, ErrorCode } from '../../contracts/errors.ts'
import { ChunkEncoding } from '../../tsdb/chunk.ts'
import { crc32c } from '../../tsdb/crc32c.ts'
import { CHUNK_SAMPLES, encodeXor } from '../../tsdb/xor-encode.ts'
import type { BlockChunk } from '../block.ts'
import type { Series } from '../querier.ts'
import { SeriesSamples } from '../samples.ts'
import { intSize, ProtoWriter, uintSize } from './proto.ts'
import { encodeLabels } from './samples.ts'

/** What Prometheus' client takes of one frame (`chunked_read_limit`, 50 MB) has room for this and the labels. */
const MAX_SERIES_BYTES = 45_000_000

/** Filled and read within one call. */
const labelBytes = new ProtoWriter(4096)

interface ChunkPart {
  readonly from: number
  readonly to: number
  readonly encoding: number
  readonly data: Uint8Array
}

/**
 * Writes the frame of one series. Chunks that lie within one another, and those of an encoding that older clients refuse, are decoded
 * and encoded anew.
 *
 * @throws BlockgateError `unsupported` for histograms of either kind; `query-too-large` for a series that no client takes
 */
export function writeFrame(out: ProtoWriter, { labels, chunks }: Series, queryIndex: number): void {
  const parts = asStored(chunks) ?? encodedAnew(chunks)
  if (parts.length === 0) return
  const encodedLabels = encodeLabels(labels, labelBytes)
  const chunksSize = parts.reduce((sum, part) => sum + fieldSize(partSize(part)), 0)
  if (chunksSize > MAX_SERIES_BYTES) {
    const text = `one series must have at most ${MAX_SERIES_BYTES} bytes of chunks: it has ${chunksSize}`
    throw new BlockgateError(ErrorCode.queryTooLarge, `${text}; ask for a shorter time`)
  }
  const seriesSize = encodedLabels.length + chunksSize
  const size = fieldSize(seriesSize) + (queryIndex === 0 ? 0 : 1 + uintSize(queryIndex))
  out.uint(size)
  out.uint32be(0)
  const start = out.length
  out.uint(10)
  out.uint(seriesSize)
  out.raw(encodedLabels)
  for (const part of parts) {
    out.uint(18)
    out.uint(partSize(part))
    writePart(out, part)
  }
  if (queryIndex !== 0) {
    out.uint(16)
    out.uint(queryIndex)
  }
  out.setUint32be(start - 4, crc32c(out.done().subarray(start)))
}

function asStored(chunks: readonly BlockChunk[]): readonly ChunkPart[] | undefined {
  let last = Number.NEGATIVE_INFINITY
  for (const { from, to, chunk } of chunks) {
    if (from <= last || chunk.encoding > ChunkEncoding.floatHistogram) return undefined
    last = to
  }
  return chunks.map(({ from, to, chunk: { encoding, data } }) => ({ from, to, encoding, data }))
}

function encodedAnew(chunks: readonly BlockChunk[]): readonly ChunkPart[] {
  const samples = new SeriesSamples()
  samples.fill(chunks, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)
  if (samples.histograms.length > 0) {
    const text = 'histograms whose chunks overlap, or that have start timestamps, cannot be streamed: ask for samples'
    throw new BlockgateError(ErrorCode.unsupported, text)
  }
  const { floats } = samples
  const parts: ChunkPart[] = []
  for (let i = 0; i < floats.length; i += CHUNK_SAMPLES) {
    const end = Math.min(i + CHUNK_SAMPLES, floats.length)
    const [from = 0, to = 0] = [floats.times[i], floats.times[end - 1]]
    parts.push({ from, to, encoding: ChunkEncoding.xor, data: encodeXor(floats, i, end) })
  }
  return parts
}

function fieldSize(size: number): number {
  return 1 + uintSize(size) + size
}

/** Of a Chunk: `int64 min_time_ms = 1, int64 max_time_ms = 2, enum type = 3, bytes data = 4`. */
function partSize({ from, to, encoding, data }: ChunkPart): number {
  const times = (from === 0 ? 0 : 1 + intSize(from)) + (to === 0 ? 0 : 1 + intSize(to))
  return times + 1 + uintSize(encoding) + fieldSize(data.length)
}

function writePart(out: ProtoWriter, { from, to, encoding, data }: ChunkPart): void {
  if (from !== 0) {
    out.uint(8)
    out.int(from)
  }
  if (to !== 0) {
    out.uint(16)
    out.int(to)
  }
  out.uint(24)
  out.uint(encoding)
  out.bytesField(34, data)
}
