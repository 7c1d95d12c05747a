/** One gateway of the chaos: `CHAOS` says which. */
import { defineConfig, owned } from 'blockgate'
import { s3 } from 'blockgate/plugins/bucket/s3'
import { dedup } from 'blockgate/plugins/filter/dedup'
import { newestFirst } from 'blockgate/plugins/filter/newest-first'
import { notDeleted } from 'blockgate/plugins/filter/not-deleted'
import { indexHeaders } from 'blockgate/plugins/sink/index-headers'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
import type { GatewayEvent } from './events.ts'
import { OWNERSHIPS } from './ownerships.ts'
import { heard, probed, withoutHandover } from './probes.ts'
import type { GatewaySettings } from './settings.ts'

const tell = (event: GatewayEvent) => void process.stdout.write(`${JSON.stringify(event)}\n`)

export default defineConfig(({ env }) => {
  const settings = JSON.parse(env.CHAOS ?? '') as GatewaySettings
  const { id, port, dir, endpoint, bucket, timings, broken, ownership } = settings
  const make = OWNERSHIPS[ownership]
  if (!make)
    throw new Error(`the ownership must be one of ${Object.keys(OWNERSHIPS).join(', ')}: current value is ${ownership}`)
  const plugin = make(settings)
  return {
    bucket: s3({ bucket, endpoint }),
    pipeline: [
      scanBucket(),
      notDeleted(),
      dedup(),
      newestFirst(),
      owned(heard(broken ? withoutHandover(plugin) : plugin, tell)),
      probed(indexHeaders(), plugin, id, tell),
    ],
    instance: { id },
    every: timings.everyMs,
    dir,
    http: `127.0.0.1:${port}`,
    concurrency: 16,
  }
})
