/** What a run tells: while it goes on, when it has ended, and what is kept of it. */
import type { BlockId } from '../contracts/block.ts'
import type { BlockgateError } from '../contracts/errors.ts'
import type { Epoch } from '../contracts/ownership.ts'
import type { Outcome, RunReason } from '../contracts/stage.ts'
import type { RunSummary } from '../contracts/summary.ts'
import type { View } from './view.ts'

/** What is kept of a run. */
export interface RunReport {
  /** `failed`: the source or a set stage failed; nothing was dropped. `stopped`: it was told to stop. */
  readonly status: 'done' | 'failed' | 'stopped'
  readonly summary: RunSummary
  /** Why a run failed; of one that was done what is wrong nevertheless: see causeOf(). */
  readonly error: BlockgateError | undefined
  /** Loaded blocks that would be dropped, and wait for `confirmDrops`. */
  readonly unconfirmed: number
  /** When it began, in ms since the epoch. */
  readonly startedAt: number
}

export interface RunResult extends RunReport {
  /** Each block's last outcome. */
  readonly outcomes: ReadonlyMap<BlockId, Outcome>
  /** What was loaded, and was let go. */
  readonly dropped: readonly BlockId[]
}

/** What a run leaves for the one after it. */
export interface RunEnd {
  readonly result: RunResult
  readonly view: View
  /** The ownership epoch when the run began: what moved since then is for the next run. */
  readonly epoch: Epoch
  /** Blocks found no room, and others were dropped after that. */
  readonly room: boolean
}

export interface RunProgress {
  readonly id: string
  /** In ms since the epoch. */
  readonly startedAt: number
  readonly reason: RunReason
  /** Blocks seen so far; while `listing`, more may come. */
  readonly seen: number
  readonly listing: boolean
  /** Blocks with a verdict. */
  readonly done: number
  readonly inFlight: number
  /** Of `done`: those whose last verdict is a failure. */
  readonly failed: number
  /** What the sink took in this run. */
  readonly bytes: number
}
