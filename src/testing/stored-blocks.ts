/** Blocks whose objects are in a bucket, for sinks that copy bytes. */
import type { BlockFile, Candidate } from '../contracts/block.ts'
import type { BucketWriter } from '../contracts/bucket.ts'
import { candidate, testId } from './blocks.ts'

export interface StoredBlocksOptions {
  /** Default 3. */
  readonly count?: number | undefined
  /** Bytes of each chunk file. Default 150000: more than one read of any bucket. */
  readonly chunkBytes?: number | undefined
}

/**
 * Puts `count` blocks into `bucket`, each with an index, two chunk files, tombstones and a meta.json. Their bytes are made
 * up, the same at every call, and other in each file. Metas name every size, and the SHA-256 of the index and the chunks.
 *
 * @example const [block] = await storedBlocks(bucket)
 */
export async function storedBlocks(
  bucket: BucketWriter,
  options: StoredBlocksOptions = {},
): Promise<readonly Candidate[]> {
  const { count = 3, chunkBytes = 150_000 } = options
  const blocks: Candidate[] = []
  for (let n = 1; n <= count; n++) {
    const ulid = testId(n)
    const files: BlockFile[] = []
    const contents: readonly (readonly [string, number])[] = [
      ['chunks/000001', chunkBytes],
      ['chunks/000002', chunkBytes + n],
      ['index', 5000 + n],
      ['meta.json', 300],
      ['tombstones', 9],
    ]
    for (const [i, [path, size]] of contents.entries()) {
      const bytes = madeUpBytes(size, n * 10 + i)
      await bucket.put(`${ulid}/${path}`, bytes, { signal: new AbortController().signal })
      const hashed = path === 'index' || path.startsWith('chunks/')
      files.push(hashed ? { path, size, sha256: await sha256(bytes) } : { path, size })
    }
    blocks.push(candidate({ ulid, labels: { cluster: 'eu', n: String(n) }, files }))
  }
  return blocks
}

/** `size` bytes that look random and are the same for the same `seed`. */
function madeUpBytes(size: number, seed: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size)
  let state = seed + 1
  for (let i = 0; i < size; i++) {
    // A linear congruential generator: the constants of Numerical Recipes.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return Array.from(digest, byte => byte.toString(16).padStart(2, '0')).join('')
}
