/** Loads that ended with their process: it could tell nobody, so the next one does. */
import { ROOT_CONTEXT, SpanStatusCode } from '@opentelemetry/api'
import { BlockAttribute, BlockSpanName } from '../contracts/block-telemetry.ts'
import type { LeftInFlight } from '../pipeline/journal.ts'
import type { AfterDeath } from '../pipeline/traces.ts'
import { LateSpan, spanClock, timeOf } from './late-span.ts'
import { lastTrace, remember } from './memory.ts'

/**
 * A trace for each block that was in flight and is not held after all. Its span is as long as the load was, as far as the journal
 * tells: from its begin until something was last written down. The event is when it was found out.
 */
export function traceDeaths({ host, instance, journal, memory }: AfterDeath, { ids, document }: LeftInFlight): void {
  const { began: begins, at } = Object(document)
  const clock = spanClock(host)
  for (const id of ids) {
    const deaths = journal.crashes(id)
    if (deaths === 0) continue
    const now = clock()
    const began = Math.min(timeIn(Object(begins)[id]) ?? now, now)
    const alive = Math.min(Math.max(timeIn(at) ?? began, began), now)
    const attributes = {
      [BlockAttribute.id]: id,
      [BlockAttribute.deaths]: deaths,
      [BlockAttribute.instance]: instance.id,
    }
    const span = new LateSpan(BlockSpanName.died, clock, ROOT_CONTEXT, { attributes }, began)
    const previous = lastTrace(memory, id)
    span.make(previous ? [{ context: previous }] : [])
    span.addEvent('died while loading', undefined, timeOf(now))
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'the process died while it loaded this block' }).end(alive)
    remember(memory, id, span.spanContext())
  }
}

/** The document is a file on somebody's disk. */
function timeIn(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 && value <= 8.64e15 ? value : undefined
}
