/** What readings of slot records add up to. */
import type { SlotView } from 'blockgate/members'

/**
 * All records after a reading.
 * @param known what was known before it; undefined where that was nothing
 * @param read undefined: nothing has changed
 */
export function slotsAfter(known: SlotView | undefined, read: SlotView | undefined): SlotView {
  if (read && (read.whole || !known)) return read
  if (!known) throw new Error('a store that was asked for everything must say something')
  if (!read) return known
  const entries = new Map([...known.slots, ...read.slots].map(entry => [`${entry.slot}/${entry.rank}`, entry]))
  return { ...read, whole: true, slots: [...entries.values()] }
}

/** Each record as text, in order: a hash has none. */
export function recordsIn({ slots }: SlotView): readonly string[] {
  return slots.map(({ slot, rank, fence, holder }) => `${slot}/${rank} ${fence} ${holder}`).sort()
}
