import { expect, it } from 'vitest'
import { cases } from './case.ts'

const makeCase = cases()

const CONFIG = `import { defineConfig } from 'blockgate'
import { s3 } from 'blockgate/plugins/bucket/s3'
import { timeRange } from 'blockgate/plugins/filter/time-range'
import { memory } from 'blockgate/plugins/sink/memory'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'

export default defineConfig({
  bucket: s3({
    bucket: 'blocks',
    endpoint: 'http://127.0.0.1:9000',
    ...{
      access_key: 'a',
      secret_key: 'b',
      insecure: true,
      signature_version2: false,
      list_objects_version: 'v1',
      bucket_lookup_type: 'auto',
      sse_config: { type: 'SSE-S3' },
      http_config: { insecure_skip_verify: true },
    },
  }),
  pipeline: [scanBucket({ ...{ block_sync_concurrency: 20, colour: 1 } }), timeRange({ ...{ min: '-6w' } }), memory()],
  http: false,
  ...{ min_time: '-6w', max_time: '-2h', data_dir: 'data' },
})
`

const UNKNOWN = [
  ...['access_key', 'secret_key', 'insecure', 'signature_version2', 'list_objects_version', 'bucket_lookup_type'],
  ...['sse_config', 'http_config', 'block_sync_concurrency', 'colour', 'min', 'min_time', 'max_time', 'data_dir'],
]

it('a config with what is in an objstore.yml of Thanos: check names every unknown option, and what takes its place', async () => {
  const { code, stdout, stderr } = await makeCase(CONFIG).blockgate(['check'])
  expect(code).toBe(2)
  const lines = (stdout + stderr).split('\n')
  const naming = (name: string) => lines.filter(line => new RegExp(`\\b${name}\\b`).test(line))
  for (const name of UNKNOWN) expect(naming(name), name).toHaveLength(1)
  const hints = ['access_key', 'secret_key', 'min_time', 'max_time'].map(name => naming(name)[0])
  const hinted = ['accessKeyId', 'secretAccessKey', 'timeRange', 'timeRange']
  expect(hints).toEqual(hinted.map(option => expect.stringContaining(option)))
})
