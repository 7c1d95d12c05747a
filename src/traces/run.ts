/** The trace of a run. It is made when somebody asked for the run, or when it turns out to be news: most runs change nothing. */
import { type Context, type Link, type SpanContext, trace } from '@opentelemetry/api'
import { tracedCall } from '../bucket/wrappers/traced.ts'
import type { BlockId } from '../contracts/block.ts'
import { BlockAttribute, BlockSpanName } from '../contracts/block-telemetry.ts'
import type { BlockgateError } from '../contracts/errors.ts'
import type { StateStore } from '../contracts/host.ts'
import { isGoingOn } from '../contracts/spans.ts'
import type { BlockResult } from '../contracts/stage.ts'
import type { RunSummary } from '../contracts/summary.ts'
import { markFailed } from '../contracts/telemetry.ts'
import { spanContextOf } from '../contracts/traceparent.ts'
import type { BlockTrace } from '../pipeline/block-trace.ts'
import type { RunTrace, TracedRun, Traces } from '../pipeline/traces.ts'
import { type BlocksOfRun, isAsBefore, TracedBlock } from './block.ts'
import { traceDeaths } from './deaths.ts'
import { tracedFiles } from './files.ts'
import { isTracing, LateSpan, spanClock } from './late-span.ts'
import { LIGHT_ROOT } from './light-context.ts'
import { processInstance, recall, writeTraces } from './memory.ts'

/** Blocks that a run is linked to: its first ones. */
const MOST_LINKS = 64

/** What setupTracing() and the spans of tests have engines make. */
export const blockTraces: Traces = {
  run: run => (isTracing() ? new TracedRunSpan(run) : undefined),
  bucket: tracedCall,
  asker() {
    const span = trace.getActiveSpan()
    return span && isGoingOn(span) ? span.spanContext() : undefined
  },
  recall,
  get instance() {
    return processInstance()
  },
  files: tracedFiles,
  died(engine, left) {
    if (isTracing()) traceDeaths(engine, left)
  },
}

class TracedRunSpan implements RunTrace {
  readonly clock: () => number
  readonly #run: BlocksOfRun
  readonly #span: LateSpan
  readonly #blocks: Link[] = []

  constructor(run: TracedRun) {
    const { id, reason, instance, asked } = run
    const [parent, ...others] = asked
    this.clock = spanClock(run.host)
    const attributes = {
      [BlockAttribute.runId]: id,
      [BlockAttribute.runReason]: reason,
      [BlockAttribute.instance]: instance,
    }
    const outer = parent ? trace.setSpanContext(LIGHT_ROOT, parent) : LIGHT_ROOT
    const links = others.map(context => ({ context }))
    const span = new LateSpan(BlockSpanName.run, this.clock, outer, { attributes, links })
    this.#span = span
    if (reason === 'startup' || reason === 'manual') span.make()
    const linksTo = () => {
      span.make()
      return [{ context: span.spanContext() }]
    }
    const ended = (context: SpanContext) => {
      if (this.#blocks.length < MOST_LINKS) this.#blocks.push({ context })
    }
    const epoch = () => spanContextOf(run.ownership.handover?.epochTrace?.())
    this.#run = { ...run, clock: this.clock, links: linksTo, epoch, ended }
  }

  get context(): Context {
    return this.#span.context
  }

  block(id: BlockId): BlockTrace {
    return new TracedBlock(this.#run, id)
  }

  write(state: StateStore): Promise<void> {
    return writeTraces(this.#run.memory, state)
  }

  isNews(id: BlockId, result: BlockResult): boolean {
    return !isAsBefore(result, this.#run.memory.get(id)?.events.at(-1))
  }

  end({ run, blocks }: RunSummary, error: BlockgateError | undefined, before: string | undefined): void {
    const span = this.#span
    if (error?.code !== before) span.make()
    span.setAttributes({
      [BlockAttribute.runComplete]: run.complete,
      [BlockAttribute.runListed]: run.listed,
      [BlockAttribute.blocksSeen]: blocks.seen,
      [BlockAttribute.blocksAdded]: blocks.added,
      [BlockAttribute.blocksSkipped]: blocks.skipped,
      [BlockAttribute.blocksFailed]: blocks.failed,
      [BlockAttribute.blocksDropped]: blocks.dropped,
    })
    const epoch = this.#run.reason === 'ownership-change' ? this.#run.epoch() : undefined
    span.addLinks([...(epoch ? [{ context: epoch }] : []), ...this.#blocks])
    if (error) markFailed(span, error)
    span.end()
  }
}
