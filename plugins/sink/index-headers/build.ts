/** Makes the index-header of a block from a few ranges of its index. */
import { type BlockContext, type BucketReader, linkSignals } from 'blockgate'
import type { Places } from 'blockgate/bucket'
import type { BlockStore } from 'blockgate/plugins/sink/block-store'
import {
  encodeIndexHeader,
  INDEX_TOC_BYTES,
  type IndexEnds,
  indexHeaderSize,
  parseIndexStart,
  parseIndexToc,
} from 'blockgate/tsdb'
import { indexSize } from './header.ts'
import { IndexObject } from './index-object.ts'

/** Smaller parts are gathered to one write. */
const WRITE_BYTES = 64 * 1024

export interface BuildDeps {
  readonly bucket: BucketReader
  readonly store: BlockStore
  readonly places: Places
  readonly headBytes: number
  readonly tailBytes: number
}

/**
 * Writes the index-header of `block` to the file `path`, and gives its bytes. Large sections go to the disk part by part.
 *
 * @throws BlockgateError `not-found`, `corrupt-block`, `disk-full`, what the bucket threw, or the signal's reason; nothing is left
 */
export async function build(deps: BuildDeps, block: BlockContext, path: string): Promise<number> {
  using link = linkSignals(block.signal)
  const { bucket, store, places } = deps
  const size = indexSize(block.meta.files)
  const object = new IndexObject(`${block.path}index`, { bucket, places, size, link })
  try {
    const { head, tail } = await object.ends(deps.headBytes, deps.tailBytes)
    const version = parseIndexStart(head)
    const index: IndexEnds = { version, size, toc: parseIndexToc(tail.subarray(-INDEX_TOC_BYTES), size) }
    const bytes = indexHeaderSize(index)
    await store.reserve(block, bytes)
    const parts = encodeIndexHeader(index, (from, to) => object.read(from, to))
    await store.files.writeAtomic(path, gathered(parts), link.signal)
    return bytes
  } catch (error) {
    // Ends the requests beside the one that failed.
    link.abort(error)
    throw error
  }
}

/** The same bytes: most headers are four small parts, and a write each would cost more than a copy. */
async function* gathered(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let buffer = new Uint8Array(WRITE_BYTES)
  let used = 0
  for await (const part of parts) {
    if (used + part.length > WRITE_BYTES) {
      yield buffer.subarray(0, used)
      // Whoever took the old one may still be writing it.
      buffer = new Uint8Array(WRITE_BYTES)
      used = 0
    }
    if (part.length > WRITE_BYTES) yield part
    else {
      buffer.set(part, used)
      used += part.length
    }
  }
  yield buffer.subarray(0, used)
}
