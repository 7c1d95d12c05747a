/** Small blocks in a bucket of S3: right for listing and copying, not for queries. */
import { createHash } from 'node:crypto'
import type { BucketWriter } from 'blockgate'
import { testId } from 'blockgate/testing'

const TWO_HOURS = 7_200_000
const AT_ONCE = 32

export interface PutBlocksOptions {
  /** Default 40000: a chunk file does not fit into one packet. */
  readonly chunkBytes?: number | undefined
}

/** Puts blocks 1 to `count`, each of meta.json, index and chunks/000001, with sizes and SHA-256 in the meta. */
export async function putBlocks(bucket: BucketWriter, count: number, options: PutBlocksOptions = {}): Promise<void> {
  const { chunkBytes = 40_000 } = options
  const { signal } = new AbortController()
  const put = async (n: number) => {
    const ulid = testId(n)
    const files = { index: bytes(3000, n), 'chunks/000001': bytes(chunkBytes, -n) }
    for (const [path, body] of Object.entries(files)) await bucket.put(`${ulid}/${path}`, body, { signal })
    // Last, as Thanos does it: a block that has a meta is whole.
    await bucket.put(`${ulid}/meta.json`, new TextEncoder().encode(metaOf(n, files)), { signal })
  }
  let next = 1
  const worker = async () => {
    while (next <= count) await put(next++)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

function metaOf(n: number, files: Readonly<Record<string, Uint8Array>>): string {
  const ulid = testId(n)
  return JSON.stringify({
    version: 1,
    ulid,
    minTime: n * TWO_HOURS,
    maxTime: (n + 1) * TWO_HOURS,
    stats: { numSamples: 1, numSeries: 1, numChunks: 1 },
    compaction: { level: 1, sources: [ulid] },
    thanos: {
      labels: { cluster: 'eu', n: String(n) },
      downsample: { resolution: 0 },
      source: 'sidecar',
      files: Object.entries(files).map(([rel_path, body]) => ({
        rel_path,
        size_bytes: body.length,
        hash: { hashFunc: 'SHA256', value: createHash('sha256').update(body).digest('hex') },
      })),
    },
  })
}

/** `size` bytes, the same for the same `seed`, and other ones in each file. */
function bytes(size: number, seed: number): Uint8Array {
  return new Uint8Array(size).map((_, i) => Math.imul(seed, 31) + Math.imul(i, 7) + (i >> 8))
}
