/** Blocks in a bucket, as Thanos puts them there. */
import type { Bucket } from 'blockgate'
import { testId } from 'blockgate/testing'
import { blockFiles } from '../support/block-files.ts'
import { xorOf } from './sink-of.ts'

export const SERIES = 9
export const BLOCKS = 3

/** Puts three blocks of nine series each, one after the other in time. */
export async function stored(bucket: Bucket): Promise<Bucket> {
  const { signal } = new AbortController()
  for (let n = 1; n <= BLOCKS; n++) {
    const [from, ulid] = [n * 7_200_000, testId(n)]
    const chunk = { from, to: from, encoding: 1, data: xorOf([[from, n]]) }
    const series = Array.from({ length: SERIES }, (_, i) => {
      const labels: [string, string][] = [
        ['__name__', 'up'],
        ['i', String(i)],
      ]
      return { labels, chunks: [chunk] }
    })
    const files = blockFiles({ series })
    files.delete('index-header')
    const meta = { version: 1, ulid, minTime: from, maxTime: from + 7_200_000, stats: {}, compaction: { level: 1 } }
    const thanos = { labels: { cluster: 'eu' }, downsample: { resolution: 0 }, source: 'sidecar' }
    files.set('meta.json', new TextEncoder().encode(JSON.stringify({ ...meta, thanos })))
    for (const [path, bytes] of files) await bucket.put(`${ulid}/${path}`, bytes, { signal })
  }
  return bucket
}
