/** What a run came to. Every number derives from the blocks' final outcomes, so a retry never counts twice. */
import { inSlices } from '../async/slices.ts'
import type { BlockId } from '../contracts/block.ts'
import { BlockgateError, codeOf, ErrorCode, rawMessageOf } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'
import type { Plan } from '../contracts/plan.ts'
import type { Outcome, PartialBlock } from '../contracts/stage.ts'
import type { FailureSummary, RunSummary } from '../contracts/summary.ts'
import { failed, skippedBy } from '../pipeline/outcome.ts'
import type { LoadedResult } from './reconcile.ts'
import type { View } from './view.ts'

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
