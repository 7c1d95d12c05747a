/** Asks a block stage about one block, and tells its verdict in a word. */
import type { BlockContext, BlockStage } from 'blockgate'
import { testOutcome } from 'blockgate/testing'

/** `passed`, or the reason of the skip, with ` (retain)` where a loaded block is kept. */
export async function verdict(stage: BlockStage, block: BlockContext): Promise<string> {
  const answer = await stage.handle(block, async () => testOutcome('passed'))
  if (!('reason' in answer)) return answer.kind
  return answer.retain ? `${answer.reason} (retain)` : answer.reason
}
