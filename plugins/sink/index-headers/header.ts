/** Index-headers on the disk: ours after a restart, and those of other store gateways. */
import { type BlockFile, BlockgateError, ErrorCode, type LocalFiles } from 'blockgate'
import { assertIndexSize, checkIndexHeader, checkIndexHeaderEnds, type ReadAt } from 'blockgate/tsdb'

export const HEADER = 'index-header'

/**
 * What store gateways of others keep in a block's folder, all of it caches: the header, of Mimir a sample of it beside, of old ones
 * an index.cache.json; and what they leave when they are killed: temp files, and the parts of their downloads.
 */
export const CACHES: RegExp = /^(?:(?:sparse-)?index-header(?:\.tmp)?|index\.cache\.json|[0-9A-Za-z-]{1,40}\.part-\d+)$/

/** @throws BlockgateError `corrupt-block` where the meta names no index, or one that cannot be */
export function indexSize(files: readonly BlockFile[]): number {
  const size = files.find(({ path }) => path === 'index')?.size
  if (size === undefined) throw new BlockgateError(ErrorCode.corruptBlock, 'the block\'s meta names no file "index"')
  assertIndexSize(size)
  return size
}

/** How the header in `folder` is read. */
export function headerIn(files: LocalFiles, folder: string): ReadAt {
  return (offset, length) => files.read(`${folder}/${HEADER}`, offset, length)
}

/** One read of the whole costs no more than two of its ends. */
const SMALL = 16 * 1024

/**
 * Reads both ends of a header of `size` bytes, and all of a small one. It must be of an index of `indexBytes` bytes: the header has
 * the index's own TOC, so nothing of the index is needed.
 *
 * @throws BlockgateError `corrupt-block`, or `disk-failed` and `not-found` of the disk
 */
export async function assertEnds(read: ReadAt, size: number, indexBytes: number): Promise<void> {
  if (size <= SMALL) await assertHeader(read, size, indexBytes)
  else assertOf((await checkIndexHeaderEnds(size, read)).size, indexBytes)
}

/** As assertEnds(), and all that is between must be sound: it reads the whole header. */
export async function assertHeader(read: ReadAt, size: number, indexBytes: number): Promise<void> {
  assertOf((await checkIndexHeader(size, read)).index.size, indexBytes)
}

function assertOf(size: number, expected: number): void {
  if (size === expected) return
  const text = `index-header: size of its index must be ${expected} as the block's meta says: current value is ${size}`
  throw new BlockgateError(ErrorCode.corruptBlock, text)
}
