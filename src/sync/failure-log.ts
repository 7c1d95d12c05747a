/** Failures of blocks in the log: one line for each stage and code of a run, however many blocks. */
import { inSlices } from '../async/slices.ts'
import { ErrorCode } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'
import type { FailureSummary, RunSummary } from '../contracts/summary.ts'
import { frameOf } from '../pipeline/faults.ts'
import type { View } from './view.ts'

export const BLOCKS_FAILED = 'blocks failed'

export async function logFailures(host: Host, { run, failures }: RunSummary, view: View): Promise<void> {
  const groups = new Map<string, { readonly first: FailureSummary; blocks: number }>()
  await inSlices(host, failures, failure => {
    const key = `${failure.by} ${failure.code}`
    const group = groups.get(key)
    if (group) group.blocks++
    else groups.set(key, { first: failure, blocks: 1 })
  })
  for (const { first, blocks } of groups.values()) {
    const { block, by: stage, code, message: error } = first
    const outcome = view.outcomes.get(block)
    // What is no error of ours was thrown by code that only its owner knows.
    const at = code === ErrorCode.stageFailed && outcome?.kind === 'failed' ? frameOf(outcome.error) : undefined
    host.log.warn(BLOCKS_FAILED, { run: run.id, stage, code, blocks, block, error, ...(at && { at }) })
  }
}
