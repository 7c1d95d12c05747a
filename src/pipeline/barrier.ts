/** A set stage at work: everything in, a verdict on every block out. */
import type { Context } from '@opentelemetry/api'
import { type Limits, limited } from '../async/signals.ts'
import { inSlices } from '../async/slices.ts'
import type { BlockId, Candidate } from '../contracts/block.ts'
import { BlockMap, BlockSet } from '../contracts/block-map.ts'
import { BlockgateError, ErrorCode } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'
import type { Named } from '../contracts/plan.ts'
import { show } from '../contracts/shown-options.ts'
import { inSpan } from '../contracts/spans.ts'
import type { RunContext, Selection, SetStage } from '../contracts/stage.ts'
import { Attribute, SpanName } from '../contracts/telemetry.ts'
import { isReason } from './outcome.ts'

export interface Selected {
  /** What the stage was given. */
  readonly byId: ReadonlyMap<BlockId, Candidate>
  readonly selections: readonly Selection[]
  /** The blocks that it lets go on, in its order. */
  readonly going: Candidate[]
}

/**
 * Asks a set stage and checks its answer: every id exactly once, reasons in kebab-case.
 * @throws BlockgateError what the stage threw, `selection-invalid`, or `stage-stuck` where no answer comes, with the stage's name; the run ends with it
 */
export async function select(
  limits: Limits,
  { name, stage }: Named<SetStage>,
  blocks: readonly Candidate[],
  run: RunContext,
  parent: Context,
): Promise<Selected> {
  const { host } = limits
  try {
    return await inSpan(SpanName.set(name), { [Attribute.blocksIn]: blocks.length }, parent, async span => {
      const answer = (async () => stage.select(blocks, run))()
      const selections = await limited(limits, run.signal, 'select()', answer)
      const byId = new BlockMap<Candidate>()
      await inSlices(host, blocks, block => byId.set(block.meta.ulid, block))
      const going = await check(host, byId, selections)
      span.setAttribute(Attribute.blocksOut, going.length)
      return { byId, selections, going }
    })
  } catch (error) {
    throw BlockgateError.from(error, ErrorCode.stageFailed, name)
  }
}

/** @returns the blocks that go on */
async function check(
  host: Host,
  blocks: ReadonlyMap<BlockId, Candidate>,
  selections: readonly Selection[],
): Promise<Candidate[]> {
  const named = new BlockSet()
  const going: Candidate[] = []
  await inSlices(host, selections, ({ id, skip }) => {
    const block = blocks.get(id)
    if (!block || named.size === named.add(id).size) {
      throw invalid(`select() must name every block exactly once: ${id} is named twice or unknown`)
    }
    if (skip === undefined) going.push(block)
    else if (!isReason(skip)) {
      throw invalid(`the reason of a skip must be kebab-case: current value is ${show(skip)}`)
    }
  })
  const missing = blocks.size - named.size
  if (missing > 0) {
    const first = [...blocks.keys()].find(id => !named.has(id))
    throw invalid(`select() must name every block exactly once: ${missing} are missing, ${first} first`)
  }
  return going
}

function invalid(message: string): BlockgateError {
  return new BlockgateError(ErrorCode.selectionInvalid, message)
}
