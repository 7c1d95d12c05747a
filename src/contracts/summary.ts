/** What a run came to, as everybody is told. */
import type { BlockId } from './block.ts'
import type { Notes } from './notes.ts'
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
export interface RunSummary extends Readonly<Notes> {
  readonly run: {
    readonly id: string
    readonly reason: RunReason
    /** Whether the source saw everything there is. */
    readonly complete: boolean
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
