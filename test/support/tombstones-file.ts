/** Encodes the file `tombstones` of a block. */
import { crc32c, parseIndexStart, parseIndexToc, seriesSize } from 'blockgate/tsdb'
import { Bytes } from './index-file.ts'

/** First and last time, both inclusive, ms. */
export interface Stone {
  readonly from: number
  readonly to: number
}

/** @param deleted of each series of the index, in its order */
export function tombstonesFile(index: Uint8Array, deleted: readonly (readonly Stone[])[]): Uint8Array {
  const refs = refsOf(index, deleted.length)
  const entries = new Bytes()
  for (const [i, stones] of deleted.entries()) {
    for (const { from, to } of stones)
      entries
        .uvarint(refs[i] ?? 0)
        .varint(from)
        .varint(to)
  }
  const bytes = entries.done()
  return new Bytes().be32(0x0130ba30).u8(1).bytes(bytes).be32(crc32c(bytes)).done()
}

/** Of the first `count` series: their offsets, of version 2 in steps of 16 bytes. */
function refsOf(index: Uint8Array, count: number): readonly number[] {
  const step = parseIndexStart(index) === 2 ? 16 : 1
  let at = parseIndexToc(index.subarray(-52), index.length).series
  return Array.from({ length: count }, () => {
    const ref = Math.ceil(at / step)
    at = ref * step + (seriesSize(index, ref * step, 'index') ?? 0)
    return ref
  })
}
