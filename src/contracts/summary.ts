/** The summary of a run, as everybody is told. */
import type { BlockId, Candidate } from './block.ts'
import type { Log } from './host.ts'
import type { RunReason } from './stage.ts'

export interface StageSummary {
  readonly name: string
  /** Blocks that came to the stage. */
  readonly in: number
  /** Blocks that left it for the next one. */
  readonly out: number
  readonly skipped: Readonly<Record<string, number>>
}

export interface FailureSummary {
  readonly block: BlockId
  readonly by: string
  readonly code: string
  readonly message: string
}

/** What `sync --json` prints. */
/** What a run asked the source for: everything, new blocks alone, or, after a change of ownership, nothing. */
export type Listed = 'all' | 'new' | 'none'

export interface RunSummary extends Readonly<Notes> {
  readonly run: {
    readonly id: string
    readonly reason: RunReason
    /** Whether the source saw everything there is; of a run that listed new blocks alone: all of these. */
    readonly complete: boolean
    /** On what the view rests in place of a listing. */
    readonly restsOn?: string | undefined
    readonly listed: Listed
    readonly durationMs: number
  }
  /** In list order. */
  readonly stages: readonly StageSummary[]
  /** seen = added + unchanged + skipped + failed, in a run that came to its end; dropped and retained are of the loaded. */
  readonly blocks: {
    readonly seen: number
    readonly added: number
    readonly unchanged: number
    readonly skipped: number
    readonly failed: number
    readonly dropped: number
    readonly retained: number
  }
  readonly failures: readonly FailureSummary[]
}

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
