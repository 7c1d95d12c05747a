import { defineConfig } from 'blockgate'
import { s3 } from 'blockgate/plugins/bucket/s3'
import { consistencyDelay } from 'blockgate/plugins/filter/consistency-delay'
import { dedup } from 'blockgate/plugins/filter/dedup'
import { newestFirst } from 'blockgate/plugins/filter/newest-first'
import { notDeleted } from 'blockgate/plugins/filter/not-deleted'
import { indexHeaders } from 'blockgate/plugins/sink/index-headers'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'

// As examples/s3, with the pages on every address of the container. Any S3 by environment: S3_BUCKET, S3_ENDPOINT (AWS where it is absent), AWS_REGION, AWS_ACCESS_KEY_ID,
// AWS_SECRET_ACCESS_KEY or whatever else the standard credential chain finds.
export default defineConfig(({ env }) => ({
  instance: { id: env.HOSTNAME, zone: env.ZONE },
  bucket: s3({ bucket: env.S3_BUCKET ?? '', endpoint: env.S3_ENDPOINT }),
  pipeline: [
    scanBucket(),
    consistencyDelay({ for: env.CONSISTENCY_DELAY ?? '30m' }),
    notDeleted(),
    dedup(),
    newestFirst(),
    indexHeaders(),
  ],
  dir: env.DIR,
  http: env.HTTP ?? '0.0.0.0:10902',
  token: env.TOKEN,
  traces: { url: env.TRACES_URL },
}))
