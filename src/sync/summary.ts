/** What a run came to. Every number derives from the blocks' final outcomes, so a retry never counts twice. */
import { inSlices } from '../async/slices.ts'
import type { BlockId } from '../contracts/block.ts'
import { BlockgateError, codeOf, ErrorCode, rawMessageOf } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'
import type { Notes } from '../contracts/notes.ts'
import type { Outcome, PartialBlock, RunReason } from '../contracts/stage.ts'
import { failed, skippedBy } from '../pipeline/outcome.ts'
import type { Plan } from '../pipeline/plan.ts'
import type { LoadedResult } from './reconcile.ts'
import type { View } from './view.ts'

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

/** The outcome of a block that the source saw only in part: broken ones failed, unfinished ones are skipped. */
export function partialOutcome(source: string, { reason, error, detail }: PartialBlock): Outcome {
  if (error === undefined) return skippedBy(source, reason, detail)
  // One word for it everywhere: the source's.
  return failed(source, new BlockgateError(reason, rawMessageOf(error), { cause: error, at: source }))
}

export async function summarise(
  host: Host,
  plan: Plan,
  view: View,
  results: ReadonlyMap<string, LoadedResult>,
  run: RunSummary['run'],
): Promise<RunSummary> {
  const position = new Map(plan.order.map((name, at) => [name, at]))
  const end = plan.order.length
  const stopped = new Array<number>(end).fill(0)
  const skipped = plan.order.map((): Record<string, number> => ({}))
  const blocks = { seen: 0, added: 0, unchanged: 0, skipped: 0, failed: 0, dropped: 0, retained: 0 }
  const failures: FailureSummary[] = []
  const count = (id: BlockId, outcome: Outcome) => {
    if (outcome.kind === 'passed') return
    blocks.seen++
    blocks[outcome.kind]++
    if (outcome.kind !== 'skipped' && outcome.kind !== 'failed') return
    const at = position.get(outcome.by) ?? end - 1
    stopped[at] = (stopped[at] ?? 0) + 1
    const reasons = skipped[at]
    if (outcome.kind === 'skipped' && reasons) reasons[outcome.reason] = (reasons[outcome.reason] ?? 0) + 1
    if (outcome.kind === 'failed') {
      const code = codeOf(outcome.error) ?? ErrorCode.internal
      failures.push({ block: id, by: outcome.by, code, message: rawMessageOf(outcome.error) })
    }
  }
  await inSlices(host, view.partial, ([id, partial]) => count(id, partialOutcome(plan.source.name, partial)))
  await inSlices(host, view.outcomes, ([id, outcome]) => count(id, outcome))
  await inSlices(host, results.values(), ({ kind }) => blocks[kind]++)
  let left = blocks.seen
  const stages = plan.order.map((name, at) => {
    const entered = left
    left -= stopped[at] ?? 0
    return { name, in: entered, out: left, skipped: skipped[at] ?? {} }
  })
  return { run, stages, blocks, failures, ...view.notes }
}
