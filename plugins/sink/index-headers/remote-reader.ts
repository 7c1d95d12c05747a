/** A block that is asked: its index-header from the disk, all else by range reads of the bucket. */
import { BlockgateError, type BlockReader, type BucketReader, ErrorCode } from 'blockgate'
import { HEADER } from './header.ts'

/**
 * @param held keeps the header on the disk until it is disposed of
 * @param path where the block is in the bucket, with its `/`
 */
export function remoteReader(held: BlockReader, headerBytes: number, bucket: BucketReader, path: string): BlockReader {
  let closed = false
  return {
    meta: held.meta,
    headerBytes,
    isRemote: true,
    files: {
      async read(file, offset, length, signal) {
        if (closed) {
          throw new BlockgateError(ErrorCode.stageMisuse, `a closed reader of ${held.meta.ulid} must not be read from`)
        }
        if (file === HEADER) return await held.files.read(file, offset, length, signal)
        if (length === 0) return new Uint8Array(0)
        const key = `${path}${file}`
        await using body = await bucket.get(key, { range: { offset, length }, signal })
        if (!body) throw new BlockgateError(ErrorCode.notFound, `object "${key}" of a loaded block is gone`)
        const bytes = await body.bytes(length)
        if (bytes.length === length) return bytes
        const text = `object "${key}" must have ${length} bytes at ${offset}: it has ${bytes.length}`
        throw new BlockgateError(ErrorCode.corruptBlock, text)
      },
    },
    [Symbol.dispose]() {
      closed = true
      held[Symbol.dispose]()
    },
  }
}
