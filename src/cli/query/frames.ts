/** The other side of remote read: a request, and the series of a streamed answer. */
import { joined } from '../../async/bytes.ts'
import type { BlockChunk } from '../../query/block-series.ts'
import { compareLabels, type Label } from '../../query/labels.ts'
import type { LabelMatcher, MatcherType } from '../../query/matchers.ts'
import type { Selection, Series } from '../../query/querier.ts'
import { ProtoReader } from '../../query/remote-read/proto-reader.ts'
import { ProtoWriter } from '../../query/remote-read/proto-writer.ts'
import type { Snappy } from '../../query/remote-read/request.ts'
import { StoredChunk } from '../../tsdb/chunk.ts'
import { crc32c } from '../../tsdb/crc32c.ts'

const MATCHERS: readonly MatcherType[] = ['=', '!=', '=~', '!~']
/** As Prometheus' client: `chunked_read_limit`. */
const MAX_FRAME_BYTES = 50_000_000

/** A snappy block of ReadRequest that accepts `STREAMED_XOR_CHUNKS` alone. */
export function encodeReadRequest({ matchers, from, to }: Selection, snappy: Snappy): Uint8Array<ArrayBuffer> {
  const out = new ProtoWriter(256)
  out.uint(8)
  out.int(from)
  out.uint(16)
  out.int(to)
  for (const matcher of matchers) putMatcher(out, matcher)
  out.wrap(0, 10)
  out.uint(16)
  out.uint(1)
  return snappy.compress(out.done())
}

/**
 * The series of a stream of `ChunkedReadResponse`. One that was sent in several frames, as Prometheus sends long ones, is one.
 *
 * @throws Error where a frame is none, or its checksum is another
 */
export async function* readFrames(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Series, void, undefined> {
  let last: { readonly labels: readonly Label[]; readonly chunks: BlockChunk[] } | undefined
  for await (const frame of frames(parts)) {
    for (const series of seriesOf(frame)) {
      if (last && compareLabels(last.labels, series.labels) === 0) last.chunks.push(...series.chunks)
      else {
        if (last) yield last
        last = series
      }
    }
  }
  if (last) yield last
}

function putMatcher(out: ProtoWriter, { type, name, value }: LabelMatcher): void {
  const start = out.length
  out.uint(8)
  out.uint(MATCHERS.indexOf(type))
  out.textField(18, name)
  out.textField(26, value)
  out.wrap(start, 26)
}

/** uvarint size | be32 CRC-32C of the message | message */
async function* frames(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let rest: Uint8Array = new Uint8Array(0)
  let waiting: Uint8Array[] = []
  let length = 0
  let needed = 1
  for await (const part of parts) {
    waiting.push(part)
    length += part.length
    if (length < needed) continue
    rest = waiting.length === 1 ? (waiting[0] as Uint8Array) : joined(waiting, length)
    for (;;) {
      const { size, at } = frameStart(rest)
      needed = size === undefined ? rest.length + 1 : at + 4 + size
      if (size === undefined || rest.length < needed) break
      const message = rest.subarray(at + 4, needed)
      const told = new DataView(rest.buffer, rest.byteOffset + at).getUint32(0)
      if (told !== crc32c(message)) throw corrupt(`must have the CRC-32C ${told}: current value is ${crc32c(message)}`)
      yield message
      rest = rest.subarray(needed)
    }
    waiting = [rest]
    length = rest.length
  }
  if (length > 0) throw corrupt('must end where the answer ends: the connection broke off')
}

/** `size` is undefined where the number is not all there. */
function frameStart(bytes: Uint8Array): { readonly size: number | undefined; readonly at: number } {
  let size = 0
  for (let i = 0; i < 5; i++) {
    const byte = bytes[i]
    if (byte === undefined) return { size: undefined, at: 0 }
    size += (byte & 127) * 128 ** i
    if (byte >= 128) continue
    if (size > MAX_FRAME_BYTES) break
    return { size, at: i + 1 }
  }
  throw corrupt(`must have <= ${MAX_FRAME_BYTES} bytes: it says more`)
}

/** `ChunkedReadResponse`: `repeated ChunkedSeries chunked_series = 1`. */
function seriesOf(frame: Uint8Array) {
  const found: { readonly labels: readonly Label[]; readonly chunks: BlockChunk[] }[] = []
  for (const bytes of fieldsOf(frame, 'ChunkedReadResponse', 1)) {
    const labels = fieldsOf(bytes, 'ChunkedSeries', 1).map(labelOf)
    found.push({ labels, chunks: fieldsOf(bytes, 'ChunkedSeries', 2).map(chunkOf) })
  }
  return found
}

function fieldsOf(message: Uint8Array, what: string, wanted: number): readonly Uint8Array[] {
  const reader = new ProtoReader(message, what)
  const found: Uint8Array[] = []
  for (let next = reader.next(); next; next = reader.next()) {
    if (next.field === wanted && next.type === 2) found.push(reader.bytes())
    else reader.skip(next.type)
  }
  return found
}

function labelOf(bytes: Uint8Array): Label {
  const reader = new ProtoReader(bytes, 'Label')
  let [name, value] = ['', '']
  for (let next = reader.next(); next; next = reader.next()) {
    if (next.field === 1 && next.type === 2) name = reader.text()
    else if (next.field === 2 && next.type === 2) value = reader.text()
    else reader.skip(next.type)
  }
  return [name, value]
}

/** `int64 min_time_ms = 1, int64 max_time_ms = 2, enum type = 3, bytes data = 4`; types are numbered as encodings are. */
function chunkOf(bytes: Uint8Array): BlockChunk {
  const reader = new ProtoReader(bytes, 'Chunk')
  let [from, to, encoding] = [0, 0, 0]
  let data: Uint8Array = new Uint8Array(0)
  for (let next = reader.next(); next; next = reader.next()) {
    const { field, type } = next
    if (field === 1 && type === 0) from = reader.int()
    else if (field === 2 && type === 0) to = reader.int()
    else if (field === 3 && type === 0) encoding = reader.uint()
    else if (field === 4 && type === 2) data = reader.bytes()
    else reader.skip(type)
  }
  return { from, to, chunk: StoredChunk.of(encoding, data) }
}

function corrupt(must: string): Error {
  return new Error(`a frame of the answer ${must}`)
}
