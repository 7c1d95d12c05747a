/** Loads what people ask for first: the newest blocks. */
import type { Candidate, SetStage } from 'blockgate'

/**
 * Orders by `maxTime`, then `minTime`, then ULID, all descending. Skips nothing.
 *
 * @example newestFirst()
 */
export function newestFirst(): SetStage {
  return {
    kind: 'set',
    name: 'newest-first',
    select: blocks => [...blocks].sort(byAge).map(block => ({ id: block.meta.ulid })),
  }
}

function byAge({ meta: a }: Candidate, { meta: b }: Candidate): number {
  return b.maxTime - a.maxTime || b.minTime - a.minTime || (a.ulid < b.ulid ? 1 : -1)
}
