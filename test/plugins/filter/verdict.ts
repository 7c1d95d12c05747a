/** Asks a block stage about one block, and tells its verdict in a word; and what is wrong with options, a line each. */
import type { BlockMeta, BlockStage, Candidate, Component } from 'blockgate'
import { blockContext, candidate, testOutcome } from 'blockgate/testing'

/** When the runs are. */
export const NOW: number = Date.UTC(2026, 0, 1)
export const HOUR = 3_600_000

/** `passed`, or the reason of the skip, with ` (retain)` or ` (expired)` where it is so. */
export async function verdict(
  stage: BlockStage,
  meta: Partial<BlockMeta> = {},
  given: Partial<Candidate> = {},
  now: number = NOW,
): Promise<string> {
  const block = blockContext(candidate(meta, given), { run: { now } })
  const answer = await stage.handle(block, async () => testOutcome('passed'))
  if (!('reason' in answer)) return answer.kind
  return `${answer.reason}${answer.retain ? ' (retain)' : ''}${answer.expired ? ' (expired)' : ''}`
}

/** `from must be …` */
export function problemsOf({ check }: Component): string[] {
  return (check?.() ?? []).map(({ path, must }) => `${path} must ${must}`)
}
