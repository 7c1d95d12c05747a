import type { Bucket, Candidate } from 'blockgate'
import { candidate, testId } from 'blockgate/testing'
import { indexFile } from './index-file.ts'

const { signal } = new AbortController()

/** Puts `count` small blocks with sound indexes into the bucket, all different: every second one is of version 1. */
export async function indexedBlocks(bucket: Bucket, count = 3): Promise<readonly Candidate[]> {
  const blocks: Candidate[] = []
  for (let n = 1; n <= count; n++) {
    const values = Array.from({ length: 5 * n }, (_, i) => String(1000 + i))
    const index = indexFile({
      version: n % 2 === 0 ? 1 : 2,
      series: values.map(value => [
        ['block', String(n)],
        ['value', value],
      ]),
    })
    blocks.push(await storedIndex(bucket, n, index))
  }
  return blocks
}

/** Puts `index` and a chunk file as block `n` into the bucket. */
export async function storedIndex(bucket: Bucket, n: number, index: Uint8Array): Promise<Candidate> {
  const ulid = testId(n)
  const files = [
    { path: 'chunks/000001', bytes: new Uint8Array(100) },
    { path: 'index', bytes: index },
  ]
  for (const { path, bytes } of files) await bucket.put(`${ulid}/${path}`, bytes, { signal })
  return candidate({
    ulid,
    labels: { cluster: 'eu', n: String(n) },
    files: files.map(({ path, bytes }) => ({ path, size: bytes.length })),
  })
}
