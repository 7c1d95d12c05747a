import { defineConfig } from 'blockgate'
import { fs } from 'blockgate/plugins/bucket/fs'
import { indexHeaders } from 'blockgate/plugins/sink/index-headers'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'

export default defineConfig(({ env }) => ({
  bucket: fs({ root: env.BUCKET ?? '' }),
  pipeline: [scanBucket(), indexHeaders()],
  dir: env.DIR,
  concurrency: 16,
}))
