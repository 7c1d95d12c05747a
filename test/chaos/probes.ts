/** Ears on the ownership plugin and the sink of a gateway; neither does anything else than before. */
import { type BlockSink, isOwnershipUnavailable, type OwnershipPlugin } from 'blockgate'
import type { GatewayEvent } from './events.ts'

/** Tells every epoch that `plugin` has seen, as soon as it has. */
export function heard(plugin: OwnershipPlugin, tell: (event: GatewayEvent) => void): OwnershipPlugin {
  let last = 0
  const look = () => {
    const epoch = plugin.epoch()
    if (epoch <= last) return
    last = epoch
    tell({ event: 'epoch', epoch, at: Date.now() })
  }
  return {
    ...plugin,
    async start(services) {
      await plugin.start?.(services)
      if (services.observer) return
      plugin.watch?.(look)
      look()
    },
  }
}

/** Tells every add that begins, and whether the epoch that was seen by then gives the block to this gateway. */
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
