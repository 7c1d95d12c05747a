/**
 * Chunks in segment files, by their references in the index. A file: be32 magic 0x85BD40DD | u8 1 | 3 zeros, then chunks: uvarint
 * length of the data | u8 encoding | data | be32 CRC-32C of encoding and data. Format:
 * https://github.com/prometheus/prometheus/blob/main/tsdb/docs/format/chunks.md.
 */
import { assertCrc, corrupt, hex, viewOf } from './binary.ts'
import { advance, START } from './crc32c.ts'

export const SEGMENT_START_BYTES = 8
const SEGMENT_MAGIC = 0x85bd40dd

/** The byte before a chunk's data. 5 and 6 are 2 and 3 with start timestamps; 0xFF is Thanos' chunk of aggregates. */
export const ChunkEncoding = {
  xor: 1,
  histogram: 2,
  floatHistogram: 3,
  xor2: 4,
  histogramStart: 5,
  floatHistogramStart: 6,
  aggregates: 0xff,
} as const

/** What an index tells of a chunk. */
export interface ChunkRef {
  /** The segment file, from 0: segment 0 is `000001`. */
  readonly segment: number
  /** Where the chunk begins in its file. */
  readonly offset: number
}

export interface RawChunk {
  readonly encoding: number
  /** A view into the bytes that were given. */
  readonly data: Uint8Array
  /** Bytes of the whole chunk in the file. */
  readonly size: number
}

/** A chunk of a file, by its place in the bytes that were read: a query has a million of them, and a view of each would cost more. */
export class StoredChunk implements RawChunk {
  readonly encoding: number
  readonly view: DataView
  /** Of the data, which is [start, end) of `view`. */
  readonly start: number
  readonly end: number
  readonly size: number
  /** The state of a CRC-32C behind encoding and data: see `advance`. */
  readonly crcState: number

  constructor(view: DataView, start: number, end: number, size: number, crcState: number) {
    this.encoding = view.getUint8(start - 1)
    this.view = view
    this.start = start
    this.end = end
    this.size = size
    this.crcState = crcState
  }

  /** One that was made, and stands in no file. */
  static of(encoding: number, data: Uint8Array): StoredChunk {
    const bytes = new Uint8Array(1 + data.length)
    bytes[0] = encoding
    bytes.set(data, 1)
    const view = viewOf(bytes)
    return new StoredChunk(view, 1, bytes.length, bytes.length, advance(START, view, 0, bytes.length))
  }

  get data(): Uint8Array {
    const { buffer, byteOffset } = this.view
    return new Uint8Array(buffer, byteOffset + this.start, this.end - this.start)
  }
}

/** A reference is segment × 2^32 + offset. */
export function chunkRef(ref: number): ChunkRef {
  return { segment: chunkSegment(ref), offset: chunkOffset(ref) }
}

/** `chunkRef(ref).segment`, for a million of them. */
export function chunkSegment(ref: number): number {
  return Math.floor(ref / 4_294_967_296)
}

/** `chunkRef(ref).offset` */
export function chunkOffset(ref: number): number {
  return ref - chunkSegment(ref) * 4_294_967_296
}

/** @throws BlockgateError `corrupt-block` where the bytes are not the start of a segment file */
export function checkSegmentStart(bytes: Uint8Array, what: string): void {
  if (bytes.length < SEGMENT_START_BYTES)
    throw corrupt(`${what}: size`, `be >= ${SEGMENT_START_BYTES} bytes`, bytes.length)
  const view = viewOf(bytes)
  if (view.getUint32(0) !== SEGMENT_MAGIC)
    throw corrupt(`${what}: magic at 0`, `be ${hex(SEGMENT_MAGIC)}`, hex(view.getUint32(0)))
  if (view.getUint8(4) !== 1) throw corrupt(`${what}: version at 4`, 'be 1', view.getUint8(4))
}

/**
 * The bytes that the chunk at `at` takes; undefined where `bytes` has too few of them to tell.
 *
 * @throws BlockgateError `corrupt-block` where its length is none
 */
export function chunkSize(bytes: Uint8Array, at: number, what: string): number | undefined {
  let length = 0
  for (let i = 0; i < 5; i++) {
    const byte = bytes[at + i]
    if (byte === undefined) return undefined
    length += i < 4 ? (byte & 127) << (7 * i) : (byte & 127) * 128 ** i
    if (byte < 128) return i + 1 + 1 + length + 4
  }
  throw corrupt(`${what}: length of a chunk`, 'take <= 5 bytes', 'more')
}

/**
 * The chunk at `at`, all of which must be in `bytes`.
 *
 * @param offset where it begins in its file, for errors
 * @throws BlockgateError `corrupt-block`; `what` names the file
 */
export function readChunk(bytes: Uint8Array, at: number, what: string, offset: number = at): StoredChunk {
  return readChunkOf(bytes, viewOf(bytes), at, what, offset)
}

/** As `readChunk`. @param view of `bytes`: one for many chunks */
export function readChunkOf(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  what: string,
  offset: number = at,
): StoredChunk {
  const size = chunkSize(bytes, at, what)
  if (size === undefined || at + size > bytes.length)
    throw corrupt(`${what}: chunk at ${offset}`, `end at ${bytes.length}`, size ?? 'cut')
  const end = at + size - 4
  let start = at
  while ((bytes[start] as number) >= 128) start++
  const state = advance(START, view, start + 1, end)
  if (view.getUint32(end) !== ~state >>> 0) assertCrc(`${what}: chunk at ${offset}`, view.getUint32(end), ~state >>> 0)
  return new StoredChunk(view, start + 2, end, size, state)
}

/** The chunks of one Thanos chunk of aggregates; undefined for those that it has not. */
export interface AggregateChunks {
  readonly count: RawChunk | undefined
  readonly sum: RawChunk | undefined
  readonly min: RawChunk | undefined
  readonly max: RawChunk | undefined
  readonly counter: RawChunk | undefined
}

/**
 * Splits the data of a chunk of encoding 0xFF: five times a uvarint length, 0 for none, and where it is not 0, u8 encoding and data.
 * Source: `pkg/compact/downsample/aggr.go` of thanos.
 *
 * @throws BlockgateError `corrupt-block`
 */
export function readAggregates(data: Uint8Array): AggregateChunks {
  let at = 0
  const next = (name: string): RawChunk | undefined => {
    const size = chunkSize(data, at, `aggregates: ${name}`)
    if (size === undefined) throw corrupt(`aggregates: ${name}`, 'be there', 'cut')
    const lengthBytes = data[at] === 0 ? 1 : [...data.subarray(at, at + 5)].findIndex(byte => byte < 128) + 1
    const length = size - lengthBytes - 5
    at += lengthBytes
    if (length === 0) return undefined
    const end = at + 1 + length
    if (end > data.length) throw corrupt(`aggregates: ${name}`, `end at ${data.length}`, end)
    const chunk = { encoding: data[at] as number, data: data.subarray(at + 1, end), size: lengthBytes + 1 + length }
    at = end
    return chunk
  }
  const chunks = {
    count: next('count'),
    sum: next('sum'),
    min: next('min'),
    max: next('max'),
    counter: next('counter'),
  }
  if (at !== data.length) throw corrupt('aggregates: size', `be ${at} bytes`, data.length)
  return chunks
}
