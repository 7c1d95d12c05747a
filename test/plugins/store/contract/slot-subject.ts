/** What the cases of slots are given, and short words for what they do. */
import type { Fence, HoldRequest, SlotStore, WriteStatus } from 'blockgate/members'
import { assertEqual } from 'blockgate/testing'
import { hasSlots } from './slot-views.ts'
import type { Contract, Process, Subject } from './subject.ts'

/** Registers a case that a store without slots has nothing to do for. */
export type SlotIt = (name: string, fn: (subject: Subject, store: SlotStore) => Promise<void>) => void

/** @returns `it` for stores that have slots */
export function slotIt(kit: Contract): SlotIt {
  return (name, fn) =>
    kit.it(name, async s => {
      if (hasSlots(s.store)) await fn(s, s.store)
    })
}

type Given = Partial<HoldRequest>

/** Asks for rank 1 of slot 7, where `given` does not say otherwise. */
export function hold(
  store: SlotStore,
  member: Process,
  given: Given & { readonly fence: Fence },
): Promise<WriteStatus | 'older'> {
  return store.hold(member.stamp(), { slot: 7, rank: 1, give: false, ...given })
}

/** As hold(), with a new fence, and it must not be refused. @returns the fence */
export async function held(store: SlotStore, member: Process, given: Given = {}): Promise<Fence> {
  const fence = await store.fence()
  assertEqual(await hold(store, member, { ...given, fence }), 'ok', `the slot to be held by ${member.id}`)
  return fence
}
