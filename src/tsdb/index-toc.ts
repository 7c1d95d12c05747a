/**
 * The two ends of a block's `index` file, which say where everything else is. Versions 1 and 2; the format is
 * https://github.com/prometheus/prometheus/blob/main/tsdb/docs/format/index.md.
 */
import { assertCrc, corrupt, hex, readOffset, viewOf } from './binary.ts'
import { crc32c } from './crc32c.ts'

/** Bytes before the first section: be32 magic, u8 version. */
export const INDEX_START_BYTES = 5
/** Bytes at the end: six be64 offsets, be32 CRC-32C of them. */
export const INDEX_TOC_BYTES = 52
/** be32 length and be32 CRC-32C around the body of a section, and the be32 count at the beginning of the body. */
export const MIN_SECTION_BYTES = 12
/** A v2 reference is 32 bits of 16-byte steps. */
export const MAX_INDEX_BYTES: number = 64 * 2 ** 30

const MAGIC = 0xbaaad700
const MIN_INDEX_BYTES = INDEX_START_BYTES + 2 * MIN_SECTION_BYTES + INDEX_TOC_BYTES

export type IndexVersion = 1 | 2

/** Offsets in the index file. 0 is a section that is not there. */
export interface IndexToc {
  readonly symbols: number
  readonly series: number
  /** Also the end of the series section. */
  readonly labelIndices: number
  /** Also the end of the last postings list. */
  readonly labelIndicesTable: number
  readonly postings: number
  readonly postingsTable: number
}

/** Where the series section ends: behind it stand the postings, or a section that Prometheus wrote up to 3.6. */
export function seriesEnd({ series, labelIndices, postings, postingsTable }: IndexToc): number {
  return Math.min(...[labelIndices, postings, postingsTable].filter(offset => offset > series))
}

/** @throws BlockgateError `corrupt-block` where no index file can have `size` bytes */
export function assertIndexSize(size: number): void {
  if (Number.isSafeInteger(size) && size >= MIN_INDEX_BYTES && size <= MAX_INDEX_BYTES) return
  throw corrupt('index: size', `be ${MIN_INDEX_BYTES} to ${MAX_INDEX_BYTES} bytes`, size)
}

/** The version that the first bytes of an index file tell; at least INDEX_START_BYTES of them. @throws BlockgateError `corrupt-block` */
export function parseIndexStart(bytes: Uint8Array): IndexVersion {
  if (bytes.length < INDEX_START_BYTES) {
    throw corrupt('index: first bytes', `be >= ${INDEX_START_BYTES}`, bytes.length)
  }
  const view = viewOf(bytes)
  const magic = view.getUint32(0)
  if (magic !== MAGIC) throw corrupt('index: magic at 0', `be ${hex(MAGIC)}`, hex(magic))
  return indexVersion(view.getUint8(4), 'index: version at 4')
}

/** @throws BlockgateError `corrupt-block` for any version but 1 and 2 */
export function indexVersion(version: number, what: string): IndexVersion {
  if (version === 1 || version === 2) return version
  throw corrupt(what, 'be 1 or 2', version)
}

/**
 * The TOC of an index file of `size` bytes from its last INDEX_TOC_BYTES bytes. The offsets that are used later are in
 * order and leave room for what must be between them.
 *
 * @throws BlockgateError `corrupt-block` where the checksum or the bounds are wrong
 */
export function parseIndexToc(bytes: Uint8Array, size: number): IndexToc {
  assertIndexSize(size)
  if (bytes.length !== INDEX_TOC_BYTES) throw corrupt('index: TOC', `have ${INDEX_TOC_BYTES} bytes`, bytes.length)
  const view = viewOf(bytes)
  const end = size - INDEX_TOC_BYTES
  assertCrc(`index: TOC at ${end}`, view.getUint32(48), crc32c(bytes.subarray(0, 48)))
  const offset = (at: number, name: keyof IndexToc, min: number, max: number): number => {
    const value = readOffset(view, at, `index: TOC: ${name}`)
    if (value < min || value > max) throw corrupt(`index: TOC: ${name}`, `be ${min} to ${max}`, value)
    return value
  }
  const symbols = offset(0, 'symbols', INDEX_START_BYTES, end)
  const series = offset(8, 'series', symbols + MIN_SECTION_BYTES, end)
  const postingsTable = offset(40, 'postingsTable', series, end - MIN_SECTION_BYTES)
  const optional = (at: number, name: keyof IndexToc): number =>
    view.getBigUint64(at) === 0n ? 0 : offset(at, name, series, postingsTable)
  return {
    symbols,
    series,
    labelIndices: optional(16, 'labelIndices'),
    labelIndicesTable: optional(24, 'labelIndicesTable'),
    postings: optional(32, 'postings'),
    postingsTable,
  }
}
