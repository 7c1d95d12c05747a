/** Seats: a slot has as many as a block has copies. Who sits where is in the slot records of the member store. */
import type { EntriesView, SlotEntry } from 'blockgate/members'

/** A seat by its place, for maps: `<slot>/<rank>`. */
export type SeatKey = string

export interface Seat {
  readonly slot: number
  readonly rank: number
}

export function seatKey({ slot, rank }: Seat): SeatKey {
  return `${slot}/${rank}`
}

/** Members that may have seats: placed, and not draining; down ones too, as long as they keep their place. By id. */
export function eligible({ members }: EntriesView): readonly string[] {
  const ids = [...members.values()].filter(member => member.placed && !member.draining).map(member => member.id)
  return ids.sort((a, b) => (a < b ? -1 : 1))
}

/**
 * Of the records of one slot those that count, by rank: of ranks below `replicas`, held by a member that may have a seat, each
 * member once.
 */
export function seated(
  records: readonly SlotEntry[],
  replicas: number,
  mayHave: ReadonlySet<string>,
): readonly SlotEntry[] {
  const counted: SlotEntry[] = []
  for (const record of records) {
    if (record.rank >= replicas || !mayHave.has(record.holder)) continue
    if (!counted.some(other => other.holder === record.holder)) counted.push(record)
  }
  return counted
}
