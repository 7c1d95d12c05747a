/**
 * The index-header file of Thanos, version 1: what a store gateway keeps of a block's index to find postings without a
 * request. Format: https://github.com/thanos-io/thanos `pkg/block/indexheader/binary_reader.go`.
 *
 *   0        be32 magic 0xBAAAD792 | u8 1 | u8 index version | be64 offset of the postings offset table in the index
 *   14       bytes [symbols, series) of the index: the symbol table and its padding
 *   14 + n   bytes [postings offset table, end) of the index: the table and the index's own TOC
 *   last 20  be64 14 | be64 14 + n | be32 CRC-32C of these 16 bytes
 */
import { assertCrc, corrupt, hex, readOffset, viewOf } from './binary.ts'
import { crc32c } from './crc32c.ts'
import {
  INDEX_TOC_BYTES,
  type IndexToc,
  type IndexVersion,
  indexVersion,
  MAX_INDEX_BYTES,
  MIN_SECTION_BYTES,
  parseIndexToc,
} from './index-toc.ts'
import { SectionCheck } from './section-check.ts'

const MAGIC = 0xbaaad792
const VERSION = 1
const START_BYTES = 14
const TOC_BYTES = 20
const TAIL_BYTES = INDEX_TOC_BYTES + TOC_BYTES
const MIN_BYTES = START_BYTES + 2 * MIN_SECTION_BYTES + TAIL_BYTES

/** A file that is checked is read in parts of this size; one that is smaller, by one read. */
const READ_BYTES = 1024 * 1024

/** An index file, as far as its two ends tell. */
export interface IndexEnds {
  readonly version: IndexVersion
  /** Bytes of the index file. */
  readonly size: number
  readonly toc: IndexToc
}

/** What an index-header file says of itself and of its index. */
export interface IndexHeader {
  readonly index: IndexEnds
  /** Where the symbol table begins in the header, and its number of symbols. */
  readonly symbols: { readonly offset: number; readonly count: number }
  /** Where the postings offset table begins in the header, and its number of entries. */
  readonly postingsTable: { readonly offset: number; readonly count: number }
}

/** Bytes [offset, offset + length) of a file: exactly as many. */
export type ReadAt = (offset: number, length: number) => Promise<Uint8Array>

/** Bytes of the index-header of this index. */
export function indexHeaderSize({ size, toc }: IndexEnds): number {
  return START_BYTES + (toc.series - toc.symbols) + (size - toc.postingsTable) + TOC_BYTES
}

/**
 * The index-header file, in parts that `read` gives: bytes [from, to) of the index. Each part is checked before it is
 * handed on, so what ends well is a valid file; nothing is kept.
 *
 * @throws BlockgateError `corrupt-block` where a section is damaged, or what `read` threw
 */
export async function* encodeIndexHeader(
  index: IndexEnds,
  read: (from: number, to: number) => AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { toc, size, version } = index
  const start = new Uint8Array(START_BYTES)
  const startView = viewOf(start)
  startView.setUint32(0, MAGIC)
  startView.setUint8(4, VERSION)
  startView.setUint8(5, version)
  startView.setBigUint64(6, BigInt(toc.postingsTable))
  yield start
  yield* checked(symbolsOf(index, `index: symbols at ${toc.symbols}`), read(toc.symbols, toc.series))
  const table = tableOf(index, `index: postings offset table at ${toc.postingsTable}`)
  yield* checked(table, read(toc.postingsTable, size))
  const end = new Uint8Array(TOC_BYTES)
  const endView = viewOf(end)
  endView.setBigUint64(0, BigInt(START_BYTES))
  endView.setBigUint64(8, BigInt(tableOffset(toc)))
  endView.setUint32(16, crc32c(end.subarray(0, 16)))
  yield end
}

/** The parts as they come. The index's own TOC stands behind the table: it was checked when it was parsed. */
async function* checked(
  check: SectionCheck,
  parts: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let left = check.size
  for await (const part of parts) {
    check.update(part.subarray(0, left))
    left -= Math.min(left, part.length)
    yield part
  }
  check.end()
}

/**
 * Reads both ends of an index-header file of `size` bytes, and checks what they say: magic, versions, both TOCs, and how they
 * agree with the size. The sections between are not read.
 *
 * @throws BlockgateError `corrupt-block` that says where, or what `read` threw
 */
export async function checkIndexHeaderEnds(size: number, read: ReadAt): Promise<IndexEnds> {
  assertSize(size)
  const { version, postingsTable } = parseStart(await read(0, START_BYTES))
  const tail = await read(size - TAIL_BYTES, TAIL_BYTES)
  const tableAt = parseToc(tail.subarray(INDEX_TOC_BYTES), size)
  const indexSize = postingsTable + size - TOC_BYTES - tableAt
  const toc = parseIndexToc(tail.subarray(0, INDEX_TOC_BYTES), indexSize)
  if (toc.postingsTable !== postingsTable) {
    throw corrupt('index-header: offset at 6', `be ${toc.postingsTable} as in the index's TOC`, postingsTable)
  }
  if (tableOffset(toc) !== tableAt) {
    throw corrupt('index-header: symbols', `have ${toc.series - toc.symbols} bytes`, tableAt - START_BYTES)
  }
  return { version, size: indexSize, toc }
}

/**
 * Reads a whole index-header file of `size` bytes, in order and in parts, and checks everything in it: its ends, as
 * `checkIndexHeaderEnds` does, and both sections.
 *
 * @throws BlockgateError `corrupt-block` that says where, or what `read` threw
 */
export async function checkIndexHeader(size: number, read: ReadAt): Promise<IndexHeader> {
  assertSize(size)
  const whole = size <= READ_BYTES ? await read(0, size) : undefined
  const at: ReadAt = whole ? async (offset, length) => whole.subarray(offset, offset + length) : read
  const index = await checkIndexHeaderEnds(size, at)
  const tableAt = tableOffset(index.toc)
  const checkFrom = async (from: number, check: SectionCheck) => {
    const to = from + check.size
    for (let offset = from; offset < to; offset += READ_BYTES) {
      check.update(await at(offset, Math.min(READ_BYTES, to - offset)))
    }
    return { offset: from, count: check.end() }
  }
  return {
    index,
    symbols: await checkFrom(START_BYTES, symbolsOf(index, `index-header: symbols at ${START_BYTES}`)),
    postingsTable: await checkFrom(tableAt, tableOf(index, `index-header: postings offset table at ${tableAt}`)),
  }
}

function assertSize(size: number): void {
  const limit = MAX_INDEX_BYTES + START_BYTES + TOC_BYTES
  if (Number.isSafeInteger(size) && size >= MIN_BYTES && size <= limit) return
  throw corrupt('index-header: size', `be ${MIN_BYTES} to ${limit} bytes`, size)
}

/** Where the postings offset table begins in the header. */
function tableOffset(toc: IndexToc): number {
  return START_BYTES + toc.series - toc.symbols
}

function symbolsOf({ toc }: IndexEnds, what: string): SectionCheck {
  return new SectionCheck('symbols', { what, size: toc.series - toc.symbols })
}

function tableOf({ toc, size }: IndexEnds, what: string): SectionCheck {
  // Offsets of postings lists: each has the frame of a section.
  const offsets = { min: toc.series, max: toc.postingsTable - MIN_SECTION_BYTES }
  return new SectionCheck('postings-table', { what, size: size - INDEX_TOC_BYTES - toc.postingsTable, offsets })
}

function parseStart(bytes: Uint8Array): { readonly version: IndexVersion; readonly postingsTable: number } {
  const view = viewOf(bytes)
  const magic = view.getUint32(0)
  if (magic !== MAGIC) throw corrupt('index-header: magic at 0', `be ${hex(MAGIC)}`, hex(magic))
  const version = view.getUint8(4)
  if (version !== VERSION) throw corrupt('index-header: version at 4', `be ${VERSION}`, version)
  return {
    version: indexVersion(view.getUint8(5), 'index-header: index version at 5'),
    postingsTable: readOffset(view, 6, 'index-header: offset at 6'),
  }
}

/** Where the postings offset table begins, as the TOC of the header says. */
function parseToc(bytes: Uint8Array, size: number): number {
  const view = viewOf(bytes)
  const what = `index-header: TOC at ${size - TOC_BYTES}`
  assertCrc(what, view.getUint32(16), crc32c(bytes.subarray(0, 16)))
  const symbols = readOffset(view, 0, `${what}: symbols`)
  if (symbols !== START_BYTES) throw corrupt(`${what}: symbols`, `be ${START_BYTES}`, symbols)
  const table = readOffset(view, 8, `${what}: postings offset table`)
  const [min, max] = [START_BYTES + MIN_SECTION_BYTES, size - TAIL_BYTES - MIN_SECTION_BYTES]
  if (table < min || table > max) throw corrupt(`${what}: postings offset table`, `be ${min} to ${max}`, table)
  return table
}
