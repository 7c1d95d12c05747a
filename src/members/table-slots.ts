/** The slots of a member table: who was recorded last as the holder of each, ordered by fences. */
import type { Epoch } from '../contracts/ownership.ts'
import type { Fence, SlotEntry, SlotPrecondition } from './contract.ts'
import type { HoldRequest, SlotView } from './slots.ts'

export interface SlotState {
  /** The last fence that was given. */
  readonly fence: Fence
  readonly version: number
  /** By `slot/rank`. Records are never changed in place. */
  readonly records: ReadonlyMap<string, SlotEntry>
}

export const NO_SLOTS: SlotState = { fence: 0, version: 0, records: new Map() }

/** The state with the next fence given. `now`: the store's clock, ms. */
export function nextFence(state: SlotState, epoch: Epoch, now: number): SlotState {
  return { ...state, fence: Math.max(state.fence + 1, epoch + 1, Math.floor(now * 1000)) }
}

/**
 * The state with the slot held by member `id`, or given up by it; undefined where the request is older than the record. `now`: the
 * store's clock, ms. The version follows it, as fences do: what is recorded again after a loss makes no version of before.
 */
export function withHolder(
  state: SlotState,
  id: string,
  { slot, rank, fence, give }: HoldRequest,
  now: number,
): SlotState | undefined {
  const before = state.records.get(`${slot}/${rank}`)
  if (before && fence <= before.fence) return undefined
  if (give && before?.holder !== id) return undefined
  const records = new Map(state.records).set(`${slot}/${rank}`, { slot, rank, holder: give ? '' : id, fence })
  return { ...state, records, version: Math.max(state.version + 1, fence, Math.floor(now * 1000)) }
}

export function viewOf({ version, records }: SlotState): SlotView {
  return { version, slots: [...records.values()], broken: 0 }
}

/** Whether the records of the slot are still exactly these. */
export function preconditionHolds({ records }: SlotState, { slot, holders }: SlotPrecondition): boolean {
  const same = holders.every(({ rank, holder, fence }) => {
    const now = records.get(`${slot}/${rank}`)
    return now?.holder === holder && now.fence === fence
  })
  let count = 0
  for (const record of records.values()) if (record.slot === slot) count++
  return same && holders.length === count
}
