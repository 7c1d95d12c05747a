/** A sync from a real S3 server under Deno, which may reach that server and nothing else. */
import { join } from 'node:path'
import type { RunSummary } from 'blockgate'
import { expect, inject, it } from 'vitest'
import { blockgate, QUICKSTART } from '../support/cli.ts'
import { SOURCES } from '../support/deno.ts'
import { putFolder } from '../support/put-folder.ts'
import { tempFolders } from '../support/temp-folders.ts'

const folder = tempFolders()
const CONFIG = join(QUICKSTART, '../s3/blockgate.config.ts')

it('syncs the quickstart from radosgw under Deno', async () => {
  const store = inject('radosgw')
  const { endpoint, accessKeyId, secretAccessKey } = store
  const name = `test-${crypto.randomUUID()}`
  await putFolder(store, name, join(QUICKSTART, 'bucket'))
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
