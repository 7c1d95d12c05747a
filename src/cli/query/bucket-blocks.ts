/** Blocks of a bucket as a querier asks them: every read is a range read, and nothing is kept on the disk. */
import type { BlockId, Candidate } from '../../contracts/block.ts'
import type { BucketReader } from '../../contracts/bucket.ts'
import { BlockgateError, ErrorCode } from '../../contracts/errors.ts'
import type { BlockReader, LoadedBlock } from '../../contracts/stage.ts'
import type { QuerierOptions } from '../../query/querier.ts'

/** @param onRead told how many bytes were read */
export function bucketBlocks(
  blocks: readonly Candidate[],
  bucket: BucketReader,
  onRead: (bytes: number) => void,
): QuerierOptions['sink'] {
  const known = new Map(blocks.map(block => [block.meta.ulid, block]))
  const loaded = new Map<BlockId, LoadedBlock>()
  for (const { meta } of blocks) loaded.set(meta.ulid, { meta, bytes: 0, fence: undefined })
  return {
    loaded: () => loaded,
    open(id) {
      const block = known.get(id)
      return block && reader(block, bucket, onRead)
    },
  }
}

function reader({ meta, path }: Candidate, bucket: BucketReader, onRead: (bytes: number) => void): BlockReader {
  return {
    meta,
    files: {
      async read(file, offset, length, signal) {
        if (length === 0) return new Uint8Array(0)
        const key = `${path}${file}`
        await using body = await bucket.get(key, { range: { offset, length }, signal })
        const bytes = await body?.bytes(length)
        if (!bytes) throw new BlockgateError(ErrorCode.notFound, `object "${key}" is gone since the bucket was listed`)
        onRead(bytes.length)
        if (bytes.length === length) return bytes
        const text = `object "${key}" must have ${length} bytes at ${offset}: it has ${bytes.length}`
        throw new BlockgateError(ErrorCode.corruptBlock, text)
      },
    },
    [Symbol.dispose]() {},
  }
}
