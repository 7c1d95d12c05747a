import { redisStore } from 'blockgate/plugins/store/redis'
import { services, testMemberStore } from 'blockgate/testing'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type RedisServer, startRedis } from '../../../support/redis.ts'
import { loggingHost } from './stores.ts'

let redis: RedisServer
let clusters = 0
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

testMemberStore(
  { describe, it },
  {
    name: 'redis',
    async create() {
      const options = { cluster: `kit-${++clusters}`, url: redis.url, commandTimeout: '2m' }
      const [store, other] = [redisStore(options), redisStore(options)]
      for (const each of [store, other]) await each.start?.(services({ host: loggingHost().host }))
      const dispose = async () => {
        for (const each of [store, other]) await each.stop?.(new AbortController().signal)
      }
      return { store, other: () => other, dispose }
    },
  },
)
