/** Series entries and postings lists of an index, and tombstones: what a query reads after the index-header. */
import { assertCrc, corrupt, hex, viewOf } from './binary.ts'
import { advance, crc32c, START } from './crc32c.ts'
import type { IndexVersion } from './index-toc.ts'

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
  position = at
  const length = uvarint(bytes, bytes.length, () => what)
  return position - at + length + 4
}

/** The entry at `at`, all of which must be in `bytes`. @throws BlockgateError `corrupt-block`; `what` names it */
export function readSeries(bytes: Uint8Array, at: number, what: string): SeriesEntry {
  const row = new SeriesRow()
  row.read(bytes, viewOf(bytes), at, () => what)
  return { labels: row.labels.slice(0, row.labelCount), chunks: row.chunks.slice(0, row.chunkCount), size: row.size }
}

/** What `readSeries` gives, in arrays that are filled again: a query reads a million entries. */
export class SeriesRow {
  /** As `SeriesEntry.labels`: the first `labelCount` of them. */
  labels: Uint32Array = new Uint32Array(64)
  /** As `SeriesEntry.chunks`: the first `chunkCount` of them. */
  chunks: Float64Array = new Float64Array(256)
  /** Numbers, two a label. */
  labelCount = 0
  /** Numbers, three a chunk. */
  chunkCount = 0
  size = 0

  /** As `readSeries`. @param view of `bytes` */
  read(bytes: Uint8Array, view: DataView, at: number, what: () => string): void {
    this.labelCount = 0
    this.chunkCount = 0
    position = at
    const length = uvarint(bytes, bytes.length, what)
    const end = position + length
    this.size = end + 4 - at
    if (end + 4 > bytes.length) throw corrupt(what(), `end at ${bytes.length}`, end + 4)
    const state = advance(START, view, position, end)
    if (view.getUint32(end) !== ~state >>> 0) assertCrc(what(), view.getUint32(end), ~state >>> 0)
    this.#labels(bytes, end, what)
    this.#chunks(bytes, end, what)
    if (position !== end) throw corrupt(`${what()}: size`, `be ${position - at + 4} bytes`, this.size)
  }

  #labels(bytes: Uint8Array, end: number, what: () => string): void {
    const count = uvarint(bytes, end, what)
    if (count > (end - position) / 2) bounded(count, (end - position) / 2, `${what()}: labels`)
    if (2 * count > this.labels.length) this.labels = new Uint32Array(4 * count)
    const { labels } = this
    for (let i = 0; i < 2 * count; i++) {
      const symbol = uvarint(bytes, end, what)
      if (symbol > 0xffffffff) bounded(symbol, 0xffffffff, `${what()}: symbol`)
      labels[i] = symbol
    }
    this.labelCount = 2 * count
  }

  #chunks(bytes: Uint8Array, end: number, what: () => string): void {
    const count = uvarint(bytes, end, what)
    if (count > (end - position) / 3) bounded(count, (end - position) / 3, `${what()}: chunks`)
    if (3 * count > this.chunks.length) this.chunks = new Float64Array(6 * count)
    const { chunks } = this
    let time = 0
    let ref = 0
    for (let i = 0; i < count; i++) {
      const start = uvarint(bytes, end, what)
      time += i === 0 ? signed(start) : start
      const from = time
      time += uvarint(bytes, end, what)
      const change = uvarint(bytes, end, what)
      ref += i === 0 ? change : signed(change)
      if (!Number.isSafeInteger(time) || !Number.isSafeInteger(ref) || ref < 0)
        throw corrupt(`${what()}: chunk ${i}`, 'have safe integers', `${time}, ${ref}`)
      chunks[3 * i] = from
      chunks[3 * i + 1] = time
      chunks[3 * i + 2] = ref
    }
    this.chunkCount = 3 * count
  }
}

/** Where `uvarint` reads next: a number of the module, for a reader of each entry would be an object of each. */
let position = 0

/** @throws BlockgateError `corrupt-block` where it is cut, or beyond 2^53 */
function uvarint(bytes: Uint8Array, end: number, what: () => string): number {
  let value = 0
  for (let i = 0, scale = 1; i < 8; i++, scale *= 128) {
    if (position >= end) throw corrupt(what(), `end at ${end}`, 'cut')
    const byte = bytes[position++] as number
    if (byte < 128) {
      value += i < 4 ? byte << (7 * i) : byte * scale
      if (value <= Number.MAX_SAFE_INTEGER) return value
      break
    }
    value += i < 4 ? (byte & 127) << (7 * i) : (byte & 127) * scale
  }
  throw corrupt(`${what()}: number at ${position}`, 'be a safe integer', 'larger')
}

function signed(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2
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
 * @param what names the file in errors
 * @throws BlockgateError `corrupt-block`
 */
export function readTombstones(bytes: Uint8Array, what = 'tombstones'): Tombstones {
  if (bytes.length < 9) throw corrupt(`${what}: size`, 'be >= 9 bytes', bytes.length)
  const view = viewOf(bytes)
  const magic = view.getUint32(0)
  if (magic !== TOMBSTONES_MAGIC) throw corrupt(`${what}: magic at 0`, `be ${hex(TOMBSTONES_MAGIC)}`, hex(magic))
  if (view.getUint8(4) !== 1) throw corrupt(`${what}: version at 4`, 'be 1', view.getUint8(4))
  const end = bytes.length - 4
  assertCrc(what, view.getUint32(end), crc32c(bytes.subarray(5, end)))
  const stones = new Map<number, { from: number; to: number }[]>()
  const next = () => uvarint(bytes, end, () => what)
  position = 5
  while (position < end) {
    const ref = next()
    const stone = { from: signed(next()), to: signed(next()) }
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
