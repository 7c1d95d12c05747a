/** One gateway of the chaos: `CHAOS` says which. It tells what it sees and does; nothing else is other than in production. */
import { type BlockSink, defineConfig, isOwnershipUnavailable, type OwnershipPlugin, owned } from 'blockgate'
import type { SlotStore } from 'blockgate/members'
import { s3 } from 'blockgate/plugins/bucket/s3'
import { dedup } from 'blockgate/plugins/filter/dedup'
import { newestFirst } from 'blockgate/plugins/filter/newest-first'
import { notDeleted } from 'blockgate/plugins/filter/not-deleted'
import { indexHeaders } from 'blockgate/plugins/sink/index-headers'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
import { redisStore } from 'blockgate/plugins/store/redis'
import { ownership } from './ownerships.ts'
import type { GatewayEvent, GatewaySettings } from './settings.ts'

export default defineConfig(({ env }) => {
  const settings = JSON.parse(env.CHAOS ?? '') as GatewaySettings
  const { id, port, dir, endpoint, bucket, timings, broken, redis, cluster } = settings
  const plugin = ownership(settings.ownership).make(settings, heard(redisStore({ url: redis, cluster })))
  return {
    bucket: s3({ bucket, endpoint }),
    pipeline: [
      scanBucket(),
      notDeleted(),
      dedup(),
      newestFirst(),
      owned(broken ? withoutHandover(plugin) : plugin),
      probed(indexHeaders(), plugin, id),
    ],
    instance: { id },
    every: timings.everyMs,
    dir,
    http: `127.0.0.1:${port}`,
    concurrency: 16,
  }
})

function tell(event: GatewayEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`)
}

/**
 * Tells every epoch of the member entries, as soon as they were read. Not what the plugin calls its version: redlock() counts its
 * slots in, each process for itself.
 */
function heard(store: SlotStore): SlotStore {
  let last = 0
  let observer = false
  return {
    ...store,
    async start(services) {
      observer = services.observer ?? false
      await store.start?.(services)
    },
    async entries() {
      const entries = await store.entries()
      if (!observer && entries.epoch > last) {
        last = entries.epoch
        tell({ event: 'epoch', epoch: last, at: Date.now() })
      }
      return entries
    },
  }
}

/** Tells every add that begins, and whether what the plugin knew by then gives the block to this gateway. */
function probed(sink: BlockSink, plugin: OwnershipPlugin, me: string): BlockSink {
  const isOwner = (block: Parameters<BlockSink['prepare']>[0]) => {
    try {
      return plugin.handover?.owners(block.meta).some(({ member, target }) => target && member === me) ?? true
    } catch (error) {
      // Who does not know must not begin either.
      if (isOwnershipUnavailable(error)) return false
      throw error
    }
  }
  return {
    ...sink,
    prepare(block) {
      tell({ event: 'add', block: block.id, owner: isOwner(block), epoch: plugin.epoch() })
      return sink.prepare(block)
    },
  }
}

/** Without a hand-over a gateway drops what is not its own any more at once: what the watcher must find. */
function withoutHandover({ handover: _, ...plugin }: OwnershipPlugin): OwnershipPlugin {
  return plugin
}
