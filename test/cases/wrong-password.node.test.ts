import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { blockgate, type Running, start } from '../support/cli.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { tempFolders } from '../support/temp-folders.ts'
import { blocksOf, makeCase } from './case.ts'

const folder = tempFolders()
const started: Running[] = []
let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis({ args: ['--requirepass', 'right'], admin: { password: 'right' } })
})
afterEach(async () => {
  for (const { child, ended } of started.splice(0)) {
    child.kill('SIGKILL')
    await ended
  }
})
afterAll(() => redis.stop())

const CONFIG = `import { defineConfig, owned } from 'blockgate'
import { fs } from 'blockgate/plugins/bucket/fs'
import { hashRing } from 'blockgate/plugins/ownership/hash-ring'
import { memory } from 'blockgate/plugins/sink/memory'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
import { redisStore } from 'blockgate/plugins/store/redis'

export default defineConfig(({ env }) => ({
  bucket: fs({ root: new URL('bucket', import.meta.url).pathname }),
  pipeline: [scanBucket(), owned(hashRing({ store: redisStore({ cluster: 'case', url: env.REDIS, commandTimeout: '1m' }) })), memory()],
  dir: 'data',
  instance: { id: 'gw-1' },
  http: env.HTTP ?? false,
}))
`

function made(password: string) {
  const project = makeCase(folder(), CONFIG)
  project.block('01M3TM7PQ0WA00000000000000')
  project.block('01M3TM9HA0WB00000000000000', { day: 1 })
  return { ...project, env: { REDIS: redis.url.replace('//', `//:${password}@`), HTTP: '127.0.0.1:0' } }
}

describe('a Redis that wants another password', () => {
  it('sync does not exit with 0: it could ask nobody and loaded nothing', async () => {
    const { code, stdout, stderr } = await blockgate(['sync'], made('wrong'))
    expect(code).not.toBe(0)
    expect(stdout + stderr).toContain('WRONGPASS')
  })

  it('/-/ready of run names Redis', async () => {
    const running = start(['run'], made('wrong'))
    started.push(running)
    await running.printed('WRONGPASS')
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(running.stderr)?.[0]
    const ready = await fetch(`${url}/-/ready`)
    expect([ready.status, await ready.text()]).toEqual([503, expect.stringMatching(/Redis|redis/)])
  })

  it('with the right one the same config loads both blocks', async () => {
    const { code, stdout } = await blockgate(['sync', '--json'], made('right'))
    expect([code, blocksOf(stdout)]).toMatchObject([0, { added: 2 }])
  })
})
