/** Copies the files of a block from the bucket to a folder, side by side and chunk by chunk. */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import {
  type BlockContext,
  type BlockFile,
  BlockgateError,
  BucketError,
  type BucketReader,
  ErrorCode,
  eachBounded,
  type LocalFiles,
  linkSignals,
} from 'blockgate'
import { isBlockFile } from 'blockgate/tsdb'

/** Files of one block at once. The pool already loads many blocks side by side. */
const FILES_AT_ONCE = 4

export interface MirrorDeps {
  readonly bucket: BucketReader
  readonly files: LocalFiles
  readonly verify: boolean
}

/**
 * The bytes of all files together, once each is known to be safe to fetch: names come from a bucket.
 * @throws BlockgateError `corrupt-block` where one is no file of a block, is there twice, or the index is missing
 */
export function checkedBytes(files: readonly BlockFile[]): number {
  const seen = new Set<string>()
  let bytes = 0
  for (const { path, size } of files) {
    if (!isBlockFile(path)) throw corrupt(path, 'be index, chunks/NNNNNN, tombstones or meta.json', 'another name')
    if (seen.has(path)) throw corrupt(path, 'be named once', 'twice')
    if (!Number.isSafeInteger(size) || size < 0) throw corrupt(path, 'have a size >= 0', size)
    seen.add(path)
    bytes += size
  }
  if (!seen.has('index')) throw corrupt('index', 'be among the files of the block', 'missing')
  return bytes
}

/**
 * Copies the files of `block` into `folder`. After a rejection nothing is being written any more; what was, is still there.
 *
 * @throws BlockgateError `not-found`, `corrupt-block`, `disk-full`, what the bucket threw, or the signal's reason
 */
export async function mirror(deps: MirrorDeps, block: BlockContext, folder: string): Promise<void> {
  using link = linkSignals(block.signal)
  await eachBounded(block.meta.files, FILES_AT_ONCE, async file => {
    try {
      await copy(deps, block.path, file, folder, link.signal)
    } catch (error) {
      link.abort(error)
      throw error
    }
  })
}

async function copy(
  { bucket, files, verify }: MirrorDeps,
  prefix: string,
  file: BlockFile,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  await using body = await bucket.get(prefix + file.path, { signal })
  if (!body) throw new BlockgateError(ErrorCode.notFound, `object "${prefix}${file.path}" is missing`)
  const { size } = body.info
  if (size !== file.size) throw corrupt(file.path, `have ${file.size} bytes`, size)
  await files.writeAtomic(`${folder}/${file.path}`, checked(body.stream, file, verify), signal)
}

/** The chunks of `stream`, on as soon as they come; ends well only where all of them together are `file`. */
async function* checked(
  stream: ReadableStream<Uint8Array>,
  file: BlockFile,
  verify: boolean,
): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = sha256.create()
  const hashed = verify && file.sha256 !== undefined
  let size = 0
  for await (const chunk of stream) {
    size += chunk.length
    if (size > file.size) throw cut(file, 'more')
    if (hashed) hash.update(chunk)
    yield chunk
  }
  if (size < file.size) throw cut(file, size)
  const digest = hashed ? bytesToHex(hash.digest()) : file.sha256
  if (digest !== file.sha256) throw corrupt(file.path, `have the SHA-256 ${file.sha256}`, digest)
}

/** The store said the right size and sent another: a connection that broke looks like this, so another try may help. */
function cut({ path, size }: BlockFile, actual: number | string): BucketError {
  return new BucketError(`body of "${path}" must have ${size} bytes: current value is ${actual}`, { retryable: true })
}

function corrupt(path: string, must: string, value: unknown): BlockgateError {
  const name = JSON.stringify(path.slice(0, 64))
  return new BlockgateError(ErrorCode.corruptBlock, `file ${name} must ${must}: current value is ${value}`)
}
