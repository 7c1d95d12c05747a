import { redisStore } from 'blockgate/plugins/store/redis'
import { services } from 'blockgate/testing'
import { afterAll, beforeAll } from 'vitest'
import { type RedisServer, startRedis } from '../../../support/redis.ts'
import { testMemberStore } from '../contract/index.ts'
import { loggingHost } from './stores.ts'

let redis: RedisServer
let clusters = 0
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

testMemberStore('redis', async () => {
  const options = { cluster: `contract-${++clusters}`, url: redis.url, commandTimeout: '2m' }
  const [store, other] = [redisStore(options), redisStore(options)]
  for (const each of [store, other]) await each.start?.(services({ host: loggingHost().host }))
  const dispose = async () => {
    for (const each of [store, other]) await each.stop?.(new AbortController().signal)
  }
  return { store, other, dispose }
})
