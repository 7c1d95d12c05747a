import { defineConfig } from 'blockgate'
import { fs } from 'blockgate/plugins/bucket/fs'
import { s3 } from 'blockgate/plugins/bucket/s3'
import { indexHeaders } from 'blockgate/plugins/sink/index-headers'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'

export default defineConfig(({ env }) => ({
  bucket: env.S3_ENDPOINT
    ? s3({ bucket: env.BUCKET ?? '', endpoint: env.S3_ENDPOINT })
    : fs({ root: env.BUCKET ?? '' }),
  pipeline: [scanBucket(), indexHeaders()],
  dir: env.DIR,
  concurrency: 16,
}))
