/**
 * A file of values: be32 magic | be32 bytes of the table | be32 CRC-32C of the table | the table, as JSON | the values behind one
 * another. The table has of each value its key, kind and size.
 */
import type { CacheEntry, CacheKind } from 'blockgate'
import { crc32c } from 'blockgate/tsdb'

const MAGIC = 0xb10c_cac4
export const START_BYTES = 12
/** Of a file of 4 MiB the table has some 100 kB. */
const MAX_TABLE = 64 * 1024 * 1024
const KINDS: readonly unknown[] = ['postings', 'series', 'chunk']

/** Where a value is in its file. */
export interface Slot {
  readonly key: string
  readonly kind: CacheKind
  readonly offset: number
  readonly size: number
}

/** The parts of a file, in order; the values are not copied. */
export function encodeSegment(entries: readonly CacheEntry[]): readonly Uint8Array[] {
  const rows = entries.map(({ key, kind, value }) => [key, kind, value.length])
  const table = new TextEncoder().encode(JSON.stringify(rows))
  const start = new Uint8Array(START_BYTES)
  const view = new DataView(start.buffer)
  view.setUint32(0, MAGIC)
  view.setUint32(4, table.length)
  view.setUint32(8, crc32c(table))
  return [start, table, ...entries.map(({ value }) => value)]
}

/** Bytes of the table, of the first bytes of a file; undefined where these are no such file's. */
export function tableBytes(start: Uint8Array): number | undefined {
  if (start.length < START_BYTES) return undefined
  const view = new DataView(start.buffer, start.byteOffset)
  const bytes = view.getUint32(4)
  return view.getUint32(0) === MAGIC && bytes <= MAX_TABLE ? bytes : undefined
}

/** What a file of `size` bytes has; undefined where the table is damaged, or the file is cut. */
export function decodeTable(start: Uint8Array, table: Uint8Array, size: number): readonly Slot[] | undefined {
  if (new DataView(start.buffer, start.byteOffset).getUint32(8) !== crc32c(table)) return undefined
  let offset = START_BYTES + table.length
  const slots: Slot[] = []
  const rows = rowsOf(table)
  if (!rows) return undefined
  for (const row of rows) {
    if (!Array.isArray(row)) return undefined
    const [key, kind, bytes] = row as readonly unknown[]
    if (typeof key !== 'string' || !KINDS.includes(kind)) return undefined
    if (typeof bytes !== 'number' || !Number.isSafeInteger(bytes) || bytes < 0) return undefined
    slots.push({ key, kind: kind as CacheKind, offset, size: bytes })
    offset += bytes
  }
  return offset === size ? slots : undefined
}

/** Its checksum says that it was written so, not who wrote it. */
function rowsOf(table: Uint8Array): readonly unknown[] | undefined {
  try {
    const rows: unknown = JSON.parse(new TextDecoder().decode(table))
    return Array.isArray(rows) ? rows : undefined
  } catch {
    return undefined
  }
}
