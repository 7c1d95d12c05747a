/** A sync whose store goes away in the middle drops nothing, says so, and goes on when the store is back. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { RunSummary } from 'blockgate'
import { expect, it } from 'vitest'
import { makeBlocks } from '../../bench/many-blocks.ts'
import { putFolder } from '../support/put-folder.ts'
import { startGateway, startRadosgw } from '../support/radosgw.ts'
import { tempFolders } from '../support/temp-folders.ts'
import { BLOCKS, startSync, stateOf } from './syncs.ts'

const tempFolder = tempFolders()

it('a sync of 2,000 blocks whose radosgw is killed in the middle ends in the usual state once it is back', async () => {
  const folder = tempFolder()
  const root = makeBlocks(folder, BLOCKS)
  const whole = join(folder, 'whole')
  expect(await startSync({ BUCKET: root, DIR: whole }).ended).toMatchObject({ code: 0 })
  const expected = stateOf(whole).map(withoutBucket)

  await using store = await startRadosgw()
  const { accessKeyId, secretAccessKey } = store
  await putFolder(store, 'proof', root)
  await using front = await startGateway(store.conf)
  const env = {
    BUCKET: 'proof',
    S3_ENDPOINT: front.endpoint,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    DIR: join(folder, 'data'),
  }
  const cut = startSync(env)
  await until(() => headers(env.DIR) > 200)
  await front.stop()
  const ended = await cut.ended
  const { blocks } = JSON.parse(ended.stdout) as RunSummary
  expect([1, 3]).toContain(ended.code)
  expect(blocks.added).toBeGreaterThan(200)
  expect(blocks.added).toBeLessThan(BLOCKS)
  expect(blocks.dropped).toBe(0)

  await front.start()
  expect(await startSync(env).ended).toMatchObject({ code: 0 })
  expect(stateOf(env.DIR).map(withoutBucket)).toEqual(expected)
}, 400_000)

/** Only the place of a file and the header's bytes: etags and times of two stores differ. */
function withoutBucket(file: string): string {
  return file.includes('/index-header ') ? file : (file.split(' ')[0] ?? '')
}

function headers(dir: string): number {
  try {
    return readdirSync(dir).filter(name => name.length === 26).length
  } catch {
    return 0 // the folder is not made yet
  }
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) await setTimeout(20)
}
