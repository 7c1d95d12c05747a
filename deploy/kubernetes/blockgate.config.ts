import { defineConfig, owned } from 'blockgate'
import { s3 } from 'blockgate/plugins/bucket/s3'
import { consistencyDelay } from 'blockgate/plugins/filter/consistency-delay'
import { dedup } from 'blockgate/plugins/filter/dedup'
import { newestFirst } from 'blockgate/plugins/filter/newest-first'
import { notDeleted } from 'blockgate/plugins/filter/not-deleted'
import { hashRing } from 'blockgate/plugins/ownership/hash-ring'
import { indexHeaders } from 'blockgate/plugins/sink/index-headers'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
import { redisStore } from 'blockgate/plugins/store/redis'

// Mounted as a ConfigMap. Of the environment: POD_NAME, REDIS_URL, S3_BUCKET, and what the AWS credential chain reads.
export default defineConfig(({ env }) => ({
  instance: { id: env.POD_NAME, zone: env.ZONE },
  bucket: s3({ bucket: env.S3_BUCKET ?? '', endpoint: env.S3_ENDPOINT }),
  pipeline: [
    scanBucket(),
    consistencyDelay({ for: '30m' }),
    notDeleted(),
    dedup(),
    newestFirst(),
    owned(
      hashRing({ store: redisStore({ cluster: 'blockgate', url: env.REDIS_URL ?? '' }), replicas: 2, minMembers: 2 }),
    ),
    indexHeaders(),
  ],
  dir: env.DIR ?? '/var/lib/blockgate',
  http: env.HTTP ?? ':10902',
}))
