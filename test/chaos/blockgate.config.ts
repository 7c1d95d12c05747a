/** One gateway of the chaos: `CHAOS` says which. */
import { defineConfig, owned } from 'blockgate'
import { s3 } from 'blockgate/plugins/bucket/s3'
import { dedup } from 'blockgate/plugins/filter/dedup'
import { newestFirst } from 'blockgate/plugins/filter/newest-first'
import { notDeleted } from 'blockgate/plugins/filter/not-deleted'
import { indexHeaders } from 'blockgate/plugins/sink/index-headers'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
import { redisStore } from 'blockgate/plugins/store/redis'
import type { GatewayEvent } from './events.ts'
import { ownership } from './ownerships.ts'
import { heard, probed, withoutHandover } from './probes.ts'
import type { GatewaySettings } from './settings.ts'

const tell = (event: GatewayEvent) => void process.stdout.write(`${JSON.stringify(event)}\n`)

export default defineConfig(({ env }) => {
  const settings = JSON.parse(env.CHAOS ?? '') as GatewaySettings
  const { id, port, dir, endpoint, bucket, timings, broken, redis, cluster } = settings
  const plugin = ownership(settings.ownership).make(settings, heard(redisStore({ url: redis, cluster }), tell))
  return {
    bucket: s3({ bucket, endpoint }),
    pipeline: [
      scanBucket(),
      notDeleted(),
      dedup(),
      newestFirst(),
      owned(broken ? withoutHandover(plugin) : plugin),
      probed(indexHeaders(), plugin, id, tell),
    ],
    instance: { id },
    every: timings.everyMs,
    dir,
    http: `127.0.0.1:${port}`,
    concurrency: 16,
  }
})
