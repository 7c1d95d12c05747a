/** examples/s3 on a real S3 server, through the command line, from nothing but the environment. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RunSummary } from 'blockgate'
import { s3 } from 'blockgate/plugins/bucket/s3'
import { services } from 'blockgate/testing'
import { expect, inject, it } from 'vitest'
import { blockgate, QUICKSTART } from '../support/cli.ts'
import { access, newBucket } from '../support/s3-buckets.ts'
import { tempFolders } from '../support/temp-folders.ts'

const tempFolder = tempFolders()

it('examples/s3 syncs the blocks of the quickstart from any S3', async () => {
  const name = await newBucket()
  const bucket = s3({ ...access(), bucket: name })
  await bucket.start?.(services())
  const { signal } = new AbortController()
  const root = join(QUICKSTART, 'bucket')
  for (const file of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue
    const path = join(file.parentPath, file.name)
    await bucket.put(path.slice(root.length + 1), readFileSync(path), { signal })
  }
  await bucket.stop?.(signal)
  const { endpoint, accessKeyId, secretAccessKey } = inject('radosgw')
  const config = join(QUICKSTART, '../s3/blockgate.config.ts')
  const { stdout } = await blockgate(['sync', '--json', '--config', config], {
    cwd: tempFolder(),
    env: {
      S3_BUCKET: name,
      S3_ENDPOINT: endpoint,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      CONSISTENCY_DELAY: '0s',
      DIR: tempFolder(),
    },
  })
  const { blocks } = JSON.parse(stdout) as RunSummary
  expect(blocks).toMatchObject({ seen: 15, added: 9, skipped: 5, failed: 1 })
})
