import { defineConfig, owned } from 'blockgate'
import { fs } from 'blockgate/plugins/bucket/fs'
import { consistencyDelay } from 'blockgate/plugins/filter/consistency-delay'
import { dedup } from 'blockgate/plugins/filter/dedup'
import { newestFirst } from 'blockgate/plugins/filter/newest-first'
import { notDeleted } from 'blockgate/plugins/filter/not-deleted'
import { timeRange } from 'blockgate/plugins/filter/time-range'
import { staticShard } from 'blockgate/plugins/ownership/static-shard'
import { directory } from 'blockgate/plugins/sink/directory'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'

// The list is the pipeline: what a block goes through, in this order; the spans in its trace; the lines of the summary.
export default defineConfig(({ env }) => ({
  bucket: fs({ root: new URL('bucket', import.meta.url).pathname }),
  pipeline: [
    scanBucket(),
    timeRange({ from: '2026-10-01T02:30:00Z' }),
    consistencyDelay({ for: '30m' }),
    notDeleted({ delay: '24h' }),
    dedup(),
    newestFirst(),
    // One gateway owns everything. `SHARDS=2 SHARD=0 npm start` makes it the first of two.
    owned(staticShard({ index: Number(env.SHARD ?? 0), of: Number(env.SHARDS ?? 1) })),
    directory(),
  ],
  dir: env.DIR,
  concurrency: 4,
  http: env.HTTP,
}))
