/** A block as people see it: in the API, on the pages and in the metrics, with one word for why. */

import type { MeasuredBlock } from '../contracts/metrics.ts'
import type { Plan } from '../contracts/plan.ts'
import type { BlockState, CatalogueEntry } from './catalogue.ts'

export interface BlockView {
  readonly ulid: string
  /** In ms since the epoch; null for a block that was never seen whole. */
  readonly minTime: number | null
  readonly maxTime: number | null
  /** External labels; null for a block that was never seen whole. */
  readonly labels: Readonly<Record<string, string>> | null
  readonly state: BlockState
  /** Who said so: a stage's name. */
  readonly by: string
  readonly reason: string
  /** For people, beside the reason: until when it is too fresh, which block holds all of it, what the failure was. */
  readonly detail: string | null
  /** When state or reason last changed, in ms since the epoch. */
  readonly since: number
}

export function blockView(entry: CatalogueEntry, plan: Plan): BlockView {
  const meta = entry.candidate?.meta
  return {
    ulid: entry.id,
    minTime: meta?.minTime ?? null,
    maxTime: meta?.maxTime ?? null,
    labels: meta?.labels ?? null,
    state: entry.state,
    by: entry.by || (entry.state === 'pending' ? plan.source.name : plan.sink.name),
    reason: reasonOf(entry),
    detail: entry.detail ?? null,
    since: entry.since,
  }
}

/** Never empty: a block that serves says how it came to that, `added` or `unchanged`; one that waits says its state. */
export function reasonOf({ state, reason, events }: Pick<MeasuredBlock, 'state' | 'reason' | 'events'>): string {
  if (reason !== '') return reason
  return (state === 'serving' && events.at(-1)?.kind) || state
}
