/** Everything that was traced in this process: the spans of a whole simulation, in the order in which they ended. */
import { context, trace } from '@opentelemetry/api'
import { type ReadableSpan, type SpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import type { Host } from 'blockgate'
import { type TracedRun, useTraces } from '../../src/pipeline/traces.ts'
import { AsyncContextManager } from '../../src/runtime/context-manager.ts'
import { blockTraces } from '../../src/traces/run.ts'

export interface Recorded extends Disposable {
  readonly ended: readonly ReadableSpan[]
  /** Begun and not ended: a process was killed, or is at work. */
  readonly open: ReadonlySet<ReadableSpan>
}

/** `onRun`: called when a run begins, with the host of its gateway; what it returns is called when the run has ended. */
export function record(onRun: (host: Host, run: TracedRun) => () => void): Recorded {
  const ended: ReadableSpan[] = []
  const open = new Set<ReadableSpan>()
  const recorder: SpanProcessor = {
    onStart: span => void open.add(span),
    onEnd(span) {
      open.delete(span)
      ended.push(span)
    },
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  }
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [recorder] }))
  context.setGlobalContextManager(new AsyncContextManager())
  useTraces({
    ...blockTraces,
    run(run) {
      const over = onRun(run.host, run)
      const traced = blockTraces.run(run)
      if (!traced) return undefined
      const end = traced.end.bind(traced)
      traced.end = (...args) => {
        end(...args)
        over()
      }
      return traced
    },
  })
  return {
    ended,
    open,
    [Symbol.dispose]() {
      useTraces(blockTraces)
      trace.disable()
      context.disable()
    },
  }
}
