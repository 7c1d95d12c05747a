/** What the slots of a store are, whoever holds them. */
import type { SlotEntry, SlotStore, SlotView } from 'blockgate/members'
import { assert } from 'blockgate/testing'

/** One that has a part of it must have all. */
export function hasSlots(store: object): store is SlotStore {
  return 'fence' in store || 'hold' in store || 'slots' in store
}

/** The whole view, whatever is known. */
export async function viewOf(store: SlotStore): Promise<SlotView> {
  const view = await store.slots(undefined)
  assert(view, 'slots for one who knows none')
  return view
}

/** The records by slot and rank: a hash has no order. */
export async function slotsOf(store: SlotStore): Promise<readonly SlotEntry[]> {
  return (await viewOf(store)).slots.toSorted((a, b) => a.slot - b.slot || a.rank - b.rank)
}
