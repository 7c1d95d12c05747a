// One of the three gateways. They differ in what the environment says: an id, a port, a folder.
import { defineConfig, owned } from 'blockgate'
import { fs } from 'blockgate/plugins/bucket/fs'
import { dedup } from 'blockgate/plugins/filter/dedup'
import { newestFirst } from 'blockgate/plugins/filter/newest-first'
import { indexHeaders } from 'blockgate/plugins/sink/index-headers'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
import { redisStore } from 'blockgate/plugins/store/redis'
import * as ownership from './ownership.ts'

// Short times, so that there is something to see; the defaults are for production.
const times = { heartbeat: '500ms', expireAfter: '3s', handoverDelay: '1s', minMembers: 3, startGrace: '10s' } as const

export default defineConfig(({ env }) => {
  const url = env.REDIS_URL ?? ''
  const store = redisStore({ cluster: 'example', url })
  return {
    instance: { id: env.ID },
    bucket: fs({ root: new URL('../quickstart/bucket', import.meta.url).pathname }),
    pipeline: [
      scanBucket(),
      dedup(),
      newestFirst(),
      // The one line that the two configs differ in.
      owned(ownership.hashRing({ store, ...times, address: `http://${env.HTTP}` })),
      indexHeaders(),
    ],
    dir: env.DIR,
    http: env.HTTP,
    every: '30s',
  }
})
