/** A set stage at work: everything in, a verdict on every block out. */
import { type Context, context, SpanStatusCode, trace } from '@opentelemetry/api'
import type { BlockId, Candidate } from './block.ts'
import { BlockgateError, ErrorCode, rawMessageOf } from './errors.ts'
import { type Limits, limited } from './limited.ts'
import { isReason } from './outcome.ts'
import type { Named } from './plan.ts'
import type { RunContext, Selection, SetStage } from './stage.ts'
import { Attribute, SpanName, tracer } from './telemetry.ts'

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
): Promise<readonly Selection[]> {
  const span = tracer().startSpan(SpanName.set(name), { attributes: { [Attribute.blocksIn]: blocks.length } }, parent)
  try {
    const answer = context.with(trace.setSpan(parent, span), async () => stage.select(blocks, run))
    const selections = await limited(limits, run.signal, 'select()', answer)
    check(blocks, selections)
    span.setAttribute(Attribute.blocksOut, selections.filter(s => s.skip === undefined).length)
    return selections
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR, message: rawMessageOf(error) })
    throw BlockgateError.from(error, ErrorCode.stageFailed, name)
  } finally {
    span.end()
  }
}

function check(blocks: readonly Candidate[], selections: readonly Selection[]): void {
  const left = new Set<BlockId>(blocks.map(b => b.meta.ulid))
  for (const { id, skip } of selections) {
    if (!left.delete(id)) throw invalid(`select() must name every block exactly once: ${id} is named twice or unknown`)
    if (skip !== undefined && !isReason(skip)) {
      throw invalid(`the reason of a skip must be kebab-case: current value is ${JSON.stringify(skip)}`)
    }
  }
  const missing = left.values().next()
  if (!missing.done) {
    throw invalid(`select() must name every block exactly once: ${left.size} are missing, ${missing.value} first`)
  }
}

function invalid(message: string): BlockgateError {
  return new BlockgateError(ErrorCode.selectionInvalid, message)
}
