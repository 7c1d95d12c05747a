import { encodeIndexHeader, parseIndexStart, parseIndexToc } from 'blockgate/tsdb'

/** The index-header of a whole index, whose sections are read in parts of `partBytes`. */
export async function headerOf(index: Uint8Array, partBytes = Number.POSITIVE_INFINITY): Promise<Uint8Array> {
  const ends = {
    version: parseIndexStart(index),
    size: index.length,
    toc: parseIndexToc(index.subarray(-52), index.length),
  }
  const parts: Uint8Array[] = []
  const read = async function* (from: number, to: number) {
    for (let at = from; at < to; at += partBytes) yield index.subarray(at, Math.min(to, at + partBytes))
  }
  for await (const part of encodeIndexHeader(ends, read)) parts.push(part)
  return new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer())
}

/** For checkIndexHeader: reads of `bytes`, which fail past the end as a disk's do. */
export function readerOf(bytes: Uint8Array): (offset: number, length: number) => Promise<Uint8Array> {
  return async (offset, length) => {
    if (offset < 0 || offset + length > bytes.length) throw new Error(`read of ${offset} + ${length}`)
    return bytes.subarray(offset, offset + length)
  }
}
