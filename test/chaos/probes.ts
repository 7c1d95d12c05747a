/** Ears on the member store and the sink of a gateway; neither does anything else than before. */
import { type BlockSink, isOwnershipUnavailable, type OwnershipPlugin } from 'blockgate'
import type { SlotStore } from 'blockgate/members'
import type { GatewayEvent } from './events.ts'

/**
 * Tells every epoch of the member record, as soon as the record was read. Not what the plugin calls its version: redlock() counts its
 * slots in, each process for itself.
 */
export function heard(store: SlotStore, tell: (event: GatewayEvent) => void): SlotStore {
  let last = 0
  let observer = false
  return {
    ...store,
    async start(services) {
      observer = services.observer ?? false
      await store.start?.(services)
    },
    async entries() {
      const record = await store.entries()
      if (!observer && record.epoch > last) {
        last = record.epoch
        tell({ event: 'epoch', epoch: last, at: Date.now() })
      }
      return record
    },
  }
}

/** Tells every add that begins, and whether what the plugin knew by then gives the block to this gateway. */
export function probed(
  sink: BlockSink,
  plugin: OwnershipPlugin,
  me: string,
  tell: (event: GatewayEvent) => void,
): BlockSink {
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
export function withoutHandover({ handover: _, ...plugin }: OwnershipPlugin): OwnershipPlugin {
  return plugin
}
