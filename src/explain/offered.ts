/** What a run would offer to `owned()` now: every block that the source sees and no filter keeps out. */
import type { BlockId, Candidate } from '../contracts/block.ts'
import { rawMessageOf } from '../contracts/errors.ts'
import { ownershipOf } from '../pipeline/owned.ts'
import { type DryDeps, DryRun } from './dry-run.ts'

export interface Offered {
  /** Whether the source saw the whole bucket. */
  readonly complete: boolean
  readonly blocks: readonly Candidate[]
  /** Blocks that a set stage skipped because another block, the value, holds all of them. */
  readonly superseded: ReadonlyMap<BlockId, BlockId>
  /** Blocks of which the source or a filter could not tell: the reason of each, for people. */
  readonly failed: ReadonlyMap<BlockId, string>
}

/**
 * Nothing counts as loaded. The sink need not be started.
 * @throws BlockgateError what the source or a set stage threw
 */
export async function offered(deps: DryDeps, signal: AbortSignal): Promise<Offered> {
  using dry = new DryRun(deps, new Map(), signal)
  const { complete, blocks: seen, partial } = await dry.view()
  const failed = new Map<BlockId, string>()
  for (const { id, error } of partial.values()) if (error !== undefined) failed.set(id, rawMessageOf(error))
  const superseded = new Map<BlockId, BlockId>()
  let blocks = seen
  for (const { stages, barrier } of deps.plan.segments) {
    const owned = stages.findIndex(({ stage }) => ownershipOf(stage))
    blocks = await dry.filter(blocks, owned < 0 ? stages : stages.slice(0, owned))
    if (!barrier) break
    const { selections, going } = await dry.select(barrier, blocks)
    for (const { id, skip, supersededBy } of selections) {
      if (skip !== undefined && supersededBy !== undefined) superseded.set(id, supersededBy)
    }
    blocks = going
  }
  for (const [id, error] of dry.failed) failed.set(id, rawMessageOf(error))
  return { complete, blocks, superseded, failed }
}
