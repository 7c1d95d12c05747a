import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { cases } from './case.ts'

const makeCase = cases()
let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis({ args: ['--requirepass', 'right'], admin: { password: 'right' } })
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

const envOf = (password: string) => ({ REDIS: redis.url.replace('//', `//:${password}@`), HTTP: '127.0.0.1:0' })
function made() {
  const project = makeCase(CONFIG)
  project.block('01M3TM7PQ0WA00000000000000')
  project.block('01M3TM9HA0WB00000000000000', { day: 1 })
  return project
}

describe('a Redis that wants another password', () => {
  it('sync does not exit with 0: it could ask nobody and loaded nothing', async () => {
    const { code, stdout, stderr } = await made().blockgate(['sync'], { env: envOf('wrong') })
    expect(code).not.toBe(0)
    expect(stdout + stderr).toContain('WRONGPASS')
  })

  it('/-/ready of run names Redis', async () => {
    const running = await made().serve(envOf('wrong'), 'WRONGPASS')
    const ready = await fetch(`${running.url}/-/ready`)
    expect([ready.status, await ready.text()]).toEqual([503, expect.stringMatching(/Redis|redis/)])
  })

  it('with the right one the same config loads both blocks', async () => {
    const { code, blocks } = await made().sync([], { env: envOf('right') })
    expect([code, blocks]).toMatchObject([0, { added: 2 }])
  })
})
