/** What must hold for the ring: owners follow from the record of the members alone. */
import type { Rules, World } from './world.ts'

export function ringRules(world: World): Rules {
  return {
    byRecord: true,
    basis: ({ plugin }) => String(plugin?.epoch()),
    behind: ({ plugin }) => (plugin?.epoch() === world.server.table.entries().epoch ? undefined : 'another epoch'),
    mayLoad: () => true,
    changed() {},
    forgot() {},
    held: () => undefined,
    released: () => undefined,
    unsettled: () => undefined,
  }
}
