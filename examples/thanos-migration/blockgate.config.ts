// --store.enable-index-header-lazy-reader: index-headers are opened on first use
// --grpc-address: nothing is served over gRPC: Prometheus asks by remote read
// --log.format: blockgate run --log-level and --log-format, which has logfmt
import { readFileSync } from 'node:fs'
import { defineConfig } from 'blockgate'
import { thanosObjstore } from 'blockgate/plugins/bucket/thanos-objstore'
import { consistencyDelay } from 'blockgate/plugins/filter/consistency-delay'
import { dedup } from 'blockgate/plugins/filter/dedup'
import { newestFirst } from 'blockgate/plugins/filter/newest-first'
import { notDeleted } from 'blockgate/plugins/filter/not-deleted'
import { thanosRelabel } from 'blockgate/plugins/filter/thanos-relabel'
import { timeRange } from 'blockgate/plugins/filter/time-range'
import { indexHeaders } from 'blockgate/plugins/sink/index-headers'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'

export default defineConfig(({ env }) => ({
  bucket: thanosObjstore({ yaml: readFileSync(new URL('objstore.yml', import.meta.url), 'utf8'), env }),
  pipeline: [
    scanBucket(),
    timeRange({ from: '2026-10-01T02:30:00Z' }),
    thanosRelabel({ yaml: readFileSync(new URL('relabel.yml', import.meta.url), 'utf8'), env }),
    consistencyDelay({ for: '30m' }),
    notDeleted({ delay: '24h' }),
    dedup(),
    newestFirst(),
    indexHeaders(),
  ],
  dir: '/var/thanos/store',
  every: '5m',
  http: '0.0.0.0:10902',
  concurrency: 20,
  serve: { cache: { memory: '500MiB' }, limits: { series: 200000 } },
}))
