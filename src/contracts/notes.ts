/** What the blocks of a view have against them though they are offered, and which are marked for deletion. */
import type { Candidate } from './block.ts'
import type { Log } from './host.ts'

export interface NoteSummary {
  readonly block: string
  readonly note: string
}

export interface Notes {
  /** Blocks that are offered though something about them is wrong, and what it is of the first 20. */
  readonly notes: { count: number; readonly first: NoteSummary[] }
  /** Blocks with a deletion mark that can be used, and when the first and the last was made, in ms since the epoch. */
  readonly marked: { count: number; oldest: number | null; newest: number | null }
}

/** Blocks of one run that are named; beyond it they are counted. */
const NAMED = 20

/** Counts a block. What is wrong about it is logged once: `before` is what was known of the block. */
export function note({ notes, marked }: Notes, seen: Candidate, before: Candidate | undefined, log: Log): void {
  const { meta, deletionTime: time } = seen
  if (time !== undefined) {
    marked.count++
    marked.oldest = Math.min(marked.oldest ?? time, time)
    marked.newest = Math.max(marked.newest ?? time, time)
  }
  if (!seen.notes?.length || ++notes.count > NAMED) return
  for (const note of seen.notes) {
    notes.first.push({ block: meta.ulid, note })
    if (before?.notes?.includes(note)) continue
    log.warn('something is wrong about a block that is offered', { block: meta.ulid, note })
  }
}
