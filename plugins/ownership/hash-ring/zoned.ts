/** How many copies a zone may have, and which members get them. */
import type { PlacedMember } from './placement.ts'

/**
 * The copies each zone can have: at most ⌈replicas ÷ zones⌉, and no more than it has members. Undefined without zones: then
 * nothing limits. `zones` are the declared ones, so the limit is the same when one of them is lost: a lost zone means fewer
 * copies, never a second one in the others, which would load everything again just when a third of the gateways is away.
 *
 * Cortex (`pkg/ring/ring.go`) gives each zone ⌊replicas ÷ zones⌋, and one more to the first (replicas mod zones) zones that
 * the walk comes to. That is the same wherever the replicas are fewer than the zones, a multiple of them, or one short of a
 * multiple. Else (4 replicas over 3 zones) two may go to each of two zones here, and the third has none for that block: the price of
 * limits that do not depend on which zone came first.
 */
export function zoneLimits(
  members: readonly PlacedMember[],
  replicas: number,
  zones: readonly string[] | undefined,
): ReadonlyMap<string, number> | undefined {
  if (zones === undefined) return undefined
  const limit = Math.ceil(replicas / zones.length)
  return new Map(zones.map(zone => [zone, Math.min(limit, members.filter(member => member.zone === zone).length)]))
}

/**
 * The first `replicas` (>= 1) ids of `ranked` whose zone still may have a copy. A member of a zone that is not in `limits` gets none.
 * Takes no more of `ranked` than it needs: it stops where no zone may have another.
 */
export function targets(
  ranked: Iterable<string>,
  zoneOf: (id: string) => string | undefined,
  replicas: number,
  limits: ReadonlyMap<string, number> | undefined,
): readonly string[] {
  const left = limits && new Map(limits)
  const most = Math.min(replicas, left ? [...left.values()].reduce((sum, n) => sum + n, 0) : replicas)
  let chosen: readonly string[] = []
  for (const id of ranked) {
    if (left) {
      const zone = zoneOf(id) ?? ''
      const rest = left.get(zone) ?? 0
      if (rest === 0) continue
      left.set(zone, rest - 1)
    }
    // push() would make room for 17, and one such list is kept for each block.
    chosen = chosen.concat(id)
    if (chosen.length === most) break
  }
  return chosen
}
