/** The last traces of blocks beyond the process that made them: a block's next trace is linked to its last one across restarts. */
import type { SpanContext } from '@opentelemetry/api'
import { type BlockId, isBlockId } from '../contracts/block.ts'
import type { StateStore } from '../contracts/host.ts'
import { spanContextOf, traceparentOf } from '../contracts/traceparent.ts'
import type { TraceMemory } from '../pipeline/traces.ts'

const KEY = 'traces'
/** Blocks whose last trace is written down, those with the newest ones: some 90 kB. */
const MOST = 1_000

interface Kept {
  /** The newest last. */
  readonly traces: Map<BlockId, SpanContext>
  isWritten: boolean
}

const all = new WeakMap<TraceMemory, Kept>()

function keptOf(memory: TraceMemory): Kept {
  const kept = all.get(memory) ?? { traces: new Map(), isWritten: true }
  all.set(memory, kept)
  return kept
}

/** Of the block's last trace, also where another process made it. */
export function lastTrace(memory: TraceMemory, id: BlockId): SpanContext | undefined {
  return memory.get(id)?.trace ?? all.get(memory)?.traces.get(id)
}

export function remember(memory: TraceMemory, id: BlockId, span: SpanContext): void {
  memory.traced(id, span)
  const kept = keptOf(memory)
  const { traces } = kept
  traces.delete(id)
  traces.set(id, span)
  kept.isWritten = false
  // Many at once: to find the oldest one takes a look at all that have gone before.
  if (traces.size <= 2 * MOST) return
  for (const oldest of traces.keys()) if (traces.size > MOST) traces.delete(oldest)
}

let first: string | undefined

/** As in Traces. */
export function processInstance(): string | undefined {
  return first
}

/** As in Traces. What is read is a file on somebody's disk. */
export async function recall(memory: TraceMemory, state: StateStore, instance: string): Promise<void> {
  first ??= instance
  const document: unknown = await state.get(KEY).catch(() => undefined)
  for (const [id, traceparent] of Object.entries(Object(document)).slice(0, MOST)) {
    const span = spanContextOf(traceparent)
    if (span && isBlockId(id)) keptOf(memory).traces.set(id, span)
  }
}

/** Writes them down where there are new ones. */
export async function writeTraces(memory: TraceMemory, state: StateStore): Promise<void> {
  const kept = all.get(memory)
  if (!kept || kept.isWritten) return
  kept.isWritten = true
  const told = [...kept.traces].slice(-MOST).map(([id, span]) => [id, traceparentOf(span)] as const)
  await state.set(KEY, Object.fromEntries(told))
}
