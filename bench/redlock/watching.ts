/** Waiting for what the slot records say. */
import { setTimeout } from 'node:timers/promises'
import type { SlotEntry, SlotMark, SlotStore } from 'blockgate/members'

const LEAST_MS = 10

export interface Waited {
  readonly records: readonly SlotEntry[]
  /** False: time was up. */
  readonly done: boolean
}

/**
 * Reads the records again and again, until they are as `is` wants them or time is up; so seldom that it takes a tenth of the time
 * at most.
 */
export async function recordsUntil(
  store: SlotStore,
  withinMs: number,
  is: (records: readonly SlotEntry[]) => boolean,
): Promise<Waited> {
  const end = performance.now() + withinMs
  let records: readonly SlotEntry[] = []
  let mark: SlotMark | undefined
  const entries = new Map<number, SlotEntry>()
  for (;;) {
    const begun = performance.now()
    const view = await store.slots(mark)
    mark = view?.mark ?? mark
    if (view?.whole) entries.clear()
    // One replica: a slot has one record.
    for (const entry of view?.slots ?? []) entries.set(entry.slot, entry)
    if (view) records = [...entries.values()]
    if (is(records)) return { records, done: true }
    if (performance.now() > end) return { records, done: false }
    await setTimeout(Math.max(LEAST_MS, 9 * (performance.now() - begun)))
  }
}

/** How many records each holder has; nobody is `''`. */
export function countsOf(records: readonly SlotEntry[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { holder } of records) counts.set(holder, (counts.get(holder) ?? 0) + 1)
  return counts
}

/** All have the same number, or one more. */
export function isEven(records: readonly SlotEntry[], members: number): boolean {
  const counts = countsOf(records)
  const each = [...counts.values()]
  return counts.size === members && !counts.has('') && Math.max(...each) - Math.min(...each) <= 1
}
