import { defineConfig } from 'blockgate'
import { type R2Binding, r2 } from 'blockgate/plugins/bucket/r2'
import { consistencyDelay } from 'blockgate/plugins/filter/consistency-delay'
import { dedup } from 'blockgate/plugins/filter/dedup'
import { newestFirst } from 'blockgate/plugins/filter/newest-first'
import { notDeleted } from 'blockgate/plugins/filter/not-deleted'
import { timeRange } from 'blockgate/plugins/filter/time-range'
import { memory } from 'blockgate/plugins/sink/memory'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'

/** What wrangler.toml binds. */
export interface Env {
  readonly BLOCKS: R2Binding
}

// The pipeline of examples/quickstart, over R2; its last stage keeps the metas only.
export default defineConfig<Env>(({ env }) => ({
  bucket: r2({ binding: env.BLOCKS }),
  pipeline: [
    scanBucket(),
    timeRange({ from: '2026-10-01T02:30:00Z' }),
    consistencyDelay({ for: '30m' }),
    notDeleted({ delay: '24h' }),
    dedup(),
    newestFirst(),
    memory(),
  ],
}))
