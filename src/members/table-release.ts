/** The step that gives claims up: the one place where the last copy of a block could be lost. */
import type { BlockId } from '../contracts/block.ts'
import type { ReleaseItem, ReleaseRequest } from './contract.ts'
import { preconditionHolds } from './table-slots.ts'
import type { TableState } from './table-state.ts'

/**
 * Takes away the claims of member `id` on each item that it may give up at `now` (ms). Epoch, freeze and stamp were checked.
 * Each item is judged after those before it were given up: two of one member's own claims cannot vouch for each other.
 */
export function releaseItems(
  state: TableState,
  id: string,
  { items, freshMs }: ReleaseRequest,
  now: number,
): { readonly released: readonly BlockId[]; readonly changes: number } {
  const own = state.claims.get(id)
  const released: BlockId[] = []
  let changes = 0
  for (const item of items) {
    if (!mayRelease(state, id, item, freshMs, now)) continue
    released.push(item.id)
    if (own?.delete(item.id)) changes++
  }
  return { released, changes }
}

function mayRelease(state: TableState, id: string, item: ReleaseItem, freshMs: number, now: number): boolean {
  const { superseding, targets, quorum, precondition } = item
  if (precondition && !preconditionHolds(state.slots, precondition)) return false
  if (targets.length === 0 || (superseding === item.id && targets.includes(id))) return false
  const serves = (target: string) =>
    isFresh(state, target, freshMs, now) && state.claims.get(target)?.has(superseding) === true
  return quorum === 'any' ? targets.some(serves) : targets.every(serves)
}

function isFresh(state: TableState, id: string, freshMs: number, now: number): boolean {
  const record = state.records.get(id)
  const heartbeat = state.heartbeats.get(id)
  if (!record || !heartbeat || record.state === 'down') return false
  if (heartbeat.incarnation !== record.incarnation || heartbeat.storeId !== state.storeId) return false
  // After a step back of the clock a heartbeat may lie in the future: nobody knows how old it is.
  return heartbeat.at <= now && now - heartbeat.at < freshMs
}
