/** The checksum that each entry of an index or a chunk file ends with, whatever the entry says. */
import type { CacheKind } from '../contracts/cache.ts'
import { viewOf } from '../tsdb/binary.ts'
import { crc32c } from '../tsdb/crc32c.ts'

const CRC_BYTES = 4
/** Of a length of 64 bits. */
const MAX_UVARINT = 10

/**
 * Whether `entry` has the checksum of its own bytes. A postings list begins with its length in 4 bytes, a series and a chunk with a
 * uvarint; the CRC-32C of what stands between that and the last 4 bytes is in these.
 */
export function isWhole(kind: CacheKind, entry: Uint8Array): boolean {
  const start = kind === 'postings' ? 4 : uvarintBytes(entry)
  const end = entry.length - CRC_BYTES
  return start <= end && viewOf(entry).getUint32(end) === crc32c(entry.subarray(start, end))
}

function uvarintBytes(entry: Uint8Array): number {
  let bytes = 1
  while (bytes < MAX_UVARINT && (entry[bytes - 1] as number) >= 0x80) bytes++
  return bytes
}
