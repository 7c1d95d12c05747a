/** Series entries and postings lists of an index, and tombstones: what a query reads after the index-header. */
import { assertCrc, corrupt, hex, viewOf } from './binary.ts'
import { crc32c } from './crc32c.ts'
import type { IndexVersion } from './index-toc.ts'

/** A position in bytes that are not trusted. */
class Reader {
  readonly #bytes: Uint8Array
  readonly #end: number
  readonly #what: string
  at: number

  constructor(bytes: Uint8Array, at: number, end: number, what: string) {
    this.#bytes = bytes
    this.at = at
    this.#end = end
    this.#what = what
  }

  /** @throws BlockgateError `corrupt-block` where it is cut, or beyond 2^53 */
  uvarint(): number {
    let value = 0
    for (let scale = 1; scale <= 2 ** 49; scale *= 128) {
      if (this.at >= this.#end) throw corrupt(this.#what, `end at ${this.#end}`, 'cut')
      const byte = this.#bytes[this.at++] as number
      value += (byte & 127) * scale
      if (byte < 128) {
        if (value <= Number.MAX_SAFE_INTEGER) return value
        break
      }
    }
    throw corrupt(`${this.#what}: number at ${this.at}`, 'be a safe integer', 'larger')
  }

  varint(): number {
    const value = this.uvarint()
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }
}

/** One series as the index has it; references of symbols in place of texts. */
export interface SeriesEntry {
  /** Name, value, name, value: in v2 the number of a symbol, in v1 its offset in the index. */
  readonly labels: Uint32Array
  /** Of each chunk three numbers: first and last time, both inclusive, ms; and its reference. */
  readonly chunks: Float64Array
  /** Bytes of the entry. */
  readonly size: number
}

/** Where the entry of a reference begins in the index. */
export function seriesOffset(ref: number, version: IndexVersion): number {
  return version === 1 ? ref : ref * 16
}

/** Bytes of the entry at `at`; undefined where `bytes` has too few to tell. @throws BlockgateError `corrupt-block` */
export function seriesSize(bytes: Uint8Array, at: number, what: string): number | undefined {
  const last = bytes.subarray(at, at + 8).findIndex(byte => byte < 128)
  if (last === -1) {
    if (bytes.length - at < 8) return undefined
    throw corrupt(`${what}: length`, 'take < 8 bytes', 'more')
  }
  const reader = new Reader(bytes, at, bytes.length, what)
  const length = reader.uvarint()
  return reader.at - at + length + 4
}

/** The entry at `at`, all of which must be in `bytes`. @throws BlockgateError `corrupt-block`; `what` names it */
export function readSeries(bytes: Uint8Array, at: number, what: string): SeriesEntry {
  const size = seriesSize(bytes, at, what)
  if (size === undefined || at + size > bytes.length)
    throw corrupt(what, `end at ${bytes.length}`, size === undefined ? 'cut' : at + size)
  const end = at + size - 4
  const reader = new Reader(bytes, at, end, what)
  reader.uvarint()
  assertCrc(what, viewOf(bytes).getUint32(end), crc32c(bytes.subarray(reader.at, end)))
  const labelCount = bounded(reader.uvarint(), (end - reader.at) / 2, `${what}: labels`)
  const labels = new Uint32Array(2 * labelCount)
  for (let i = 0; i < labels.length; i++) labels[i] = bounded(reader.uvarint(), 0xffffffff, `${what}: symbol`)
  const chunkCount = bounded(reader.uvarint(), (end - reader.at) / 3, `${what}: chunks`)
  const chunks = new Float64Array(3 * chunkCount)
  let time = 0
  let ref = 0
  for (let i = 0; i < chunks.length; i += 3) {
    time += i === 0 ? reader.varint() : reader.uvarint()
    chunks[i] = time
    time += reader.uvarint()
    chunks[i + 1] = time
    ref += i === 0 ? reader.uvarint() : reader.varint()
    chunks[i + 2] = ref
    if (!Number.isSafeInteger(time) || !Number.isSafeInteger(ref) || ref < 0)
      throw corrupt(`${what}: chunk ${i / 3}`, 'have safe integers', `${time}, ${ref}`)
  }
  if (reader.at !== end) throw corrupt(`${what}: size`, `be ${reader.at - at + 4} bytes`, size)
  return { labels, chunks, size }
}

/**
 * A postings list: be32 count, then as many be32 references of series, ascending.
 *
 * @param bytes the body of its section, without length and checksum; more may follow
 * @throws BlockgateError `corrupt-block`
 */
export function readPostings(bytes: Uint8Array, what: string): Uint32Array {
  if (bytes.length < 4) throw corrupt(`${what}: size`, 'be >= 4 bytes', bytes.length)
  const view = viewOf(bytes)
  const count = bounded(view.getUint32(0), (bytes.length - 4) / 4, `${what}: count`)
  const refs = new Uint32Array(count)
  let before = -1
  for (let i = 0; i < count; i++) {
    const ref = view.getUint32(4 + 4 * i)
    if (ref <= before) throw corrupt(`${what}: reference ${i}`, `be > ${before}`, ref)
    refs[i] = ref
    before = ref
  }
  return refs
}

/** A section with its frame: be32 length, body, be32 CRC-32C of the body. @returns the body */
export function readSection(bytes: Uint8Array, at: number, what: string): Uint8Array {
  const view = viewOf(bytes)
  if (at + 8 > bytes.length) throw corrupt(what, `end at ${bytes.length}`, 'cut')
  const end = at + 4 + bounded(view.getUint32(at), bytes.length - at - 8, `${what}: length`)
  const body = bytes.subarray(at + 4, end)
  assertCrc(what, view.getUint32(end), crc32c(body))
  return body
}

/** What was deleted of a series: from and to, both inclusive, ms. */
export type Tombstones = ReadonlyMap<number, readonly { readonly from: number; readonly to: number }[]>

const TOMBSTONES_MAGIC = 0x0130ba30

/**
 * A `tombstones` file: be32 magic | u8 1 | of each entry uvarint series, varint from, varint to | be32 CRC-32C of the entries.
 *
 * @throws BlockgateError `corrupt-block`
 */
export function readTombstones(bytes: Uint8Array): Tombstones {
  const what = 'tombstones'
  if (bytes.length < 9) throw corrupt(`${what}: size`, 'be >= 9 bytes', bytes.length)
  const view = viewOf(bytes)
  const magic = view.getUint32(0)
  if (magic !== TOMBSTONES_MAGIC) throw corrupt(`${what}: magic at 0`, `be ${hex(TOMBSTONES_MAGIC)}`, hex(magic))
  if (view.getUint8(4) !== 1) throw corrupt(`${what}: version at 4`, 'be 1', view.getUint8(4))
  const end = bytes.length - 4
  assertCrc(what, view.getUint32(end), crc32c(bytes.subarray(5, end)))
  const stones = new Map<number, { from: number; to: number }[]>()
  const reader = new Reader(bytes, 5, end, what)
  while (reader.at < end) {
    const ref = reader.uvarint()
    const stone = { from: reader.varint(), to: reader.varint() }
    const known = stones.get(ref)
    if (known) known.push(stone)
    else stones.set(ref, [stone])
  }
  return stones
}

function bounded(value: number, most: number, what: string): number {
  if (value <= most) return value
  throw corrupt(what, `be <= ${Math.floor(most)}`, value)
}
