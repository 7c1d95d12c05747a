/** Index-headers that are on the disk already: ours after a restart, and those of a Thanos store. */
import { BlockgateError, ErrorCode, type LocalFiles } from 'blockgate'
import type { FoundFolder } from 'blockgate/plugins/sink/shelf'
import { checkIndexHeader, checkIndexHeaderEnds, type IndexEnds, type ReadAt } from 'blockgate/tsdb'

export const HEADER = 'index-header'

/**
 * What store gateways of others keep in a block's folder, all of it caches: the header, of Mimir a sample of it beside, of old ones
 * an index.cache.json; and what they leave when they are killed: temp files, and the parts of their downloads.
 */
const CACHES = /^(?:(?:sparse-)?index-header(?:\.tmp)?|index\.cache\.json|[0-9A-Za-z-]{1,40}\.part-\d+)$/

/** Files in the folder that are no caches: then it is somebody's data. */
export function strangeFiles({ sizes }: FoundFolder): readonly string[] {
  return [...sizes.keys()].filter(name => !CACHES.test(name)).sort()
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
  else assertOf(await checkIndexHeaderEnds(size, read), indexBytes)
}

/** As assertEnds(), and all that is between must be sound: it reads the whole header. */
export async function assertHeader(read: ReadAt, size: number, indexBytes: number): Promise<void> {
  assertOf((await checkIndexHeader(size, read)).index, indexBytes)
}

function assertOf(index: IndexEnds, indexBytes: number): void {
  if (index.size === indexBytes) return
  throw new BlockgateError(
    ErrorCode.corruptBlock,
    `index-header: size of its index must be ${indexBytes} as the block's meta says: current value is ${index.size}`,
  )
}
