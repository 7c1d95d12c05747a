/** examples/s3 on a real S3 server, through the command line, from nothing but the environment. */
import { join } from 'node:path'
import type { RunSummary } from 'blockgate'
import { expect, inject, it } from 'vitest'
import { blockgate, QUICKSTART } from '../support/cli.ts'
import { putFolder } from '../support/put-folder.ts'
import { tempFolders } from '../support/temp-folders.ts'

const tempFolder = tempFolders()

it('examples/s3 syncs the blocks of the quickstart from any S3', async () => {
  const store = inject('radosgw')
  const { endpoint, accessKeyId, secretAccessKey } = store
  const name = `test-${crypto.randomUUID()}`
  await putFolder(store, name, join(QUICKSTART, 'bucket'))
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
