/** A sync from a real S3 server under Deno, which may reach that server and nothing else. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RunSummary } from 'blockgate'
import { s3 } from 'blockgate/plugins/bucket/s3'
import { services } from 'blockgate/testing'
import { expect, inject, it, vi } from 'vitest'
import { blockgate, QUICKSTART } from '../support/cli.ts'
import { SOURCES } from '../support/deno.ts'
import { access, newBucket } from '../support/s3-buckets.ts'
import { tempFolders } from '../support/temp-folders.ts'

vi.setConfig({ testTimeout: 60_000 })

const folder = tempFolders()
const CONFIG = join(QUICKSTART, '../s3/blockgate.config.ts')

it('syncs the quickstart from radosgw under Deno', async () => {
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
  const [dir, home] = [folder(), folder()]
  const { stdout, stderr } = await blockgate(['sync', '--json', '--config', CONFIG], {
    cwd: folder(),
    env: {
      S3_BUCKET: name,
      S3_ENDPOINT: endpoint,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      CONSISTENCY_DELAY: '0s',
      DIR: dir,
      HOME: home,
    },
    deno: {
      read: [...SOURCES, join(CONFIG, '..'), dir],
      write: [dir],
      net: [new URL(endpoint).host],
      env: [
        'DIR',
        '_X_AMZN_TRACE_ID',
        'HOME',
        'HOMEPATH',
        'HOMEDRIVE',
        'USERPROFILE',
        'HOSTNAME',
        'ZONE',
        'CONSISTENCY_DELAY',
        'S3_*',
        'AWS_*',
        'TERM',
        'OTEL_*',
      ],
      sys: ['statfs', 'osRelease'],
    },
  })
  expect(stderr).toBe('')
  const { blocks } = JSON.parse(stdout) as RunSummary
  expect(blocks).toMatchObject({ seen: 15, added: 9, skipped: 5, failed: 1 })
})
