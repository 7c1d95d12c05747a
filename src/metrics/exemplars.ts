/** Exemplars: of each bucket of a histogram the last value that was measured inside a recorded trace, with the trace. */
import { type Attributes, isSpanContextValid, type SpanContext, TraceFlags } from '@opentelemetry/api'

export interface Exemplar {
  readonly value: number
  readonly traceId: string
  readonly spanId: string
  /** When it was measured, ms since the epoch. */
  readonly at: number
}

/** As many as there are buckets: labels are bounded, so this is. */
export class Exemplars {
  readonly #now: () => number
  readonly #series = new Map<string, Map<number, Exemplar>>()

  /** @param now ms since the epoch */
  constructor(now: () => number) {
    this.#now = now
  }

  /** `buckets`: upper bounds, in order. A value of no trace, or of one that is not recorded, is none. */
  note(
    name: string,
    buckets: readonly number[],
    labels: Attributes,
    value: number,
    span: SpanContext | undefined,
  ): void {
    if (!span || !isSpanContextValid(span) || (span.traceFlags & TraceFlags.SAMPLED) === 0) return
    const key = keyOf(name, labels)
    const series = this.#series.get(key) ?? new Map<number, Exemplar>()
    this.#series.set(key, series)
    const above = buckets.findIndex(bound => value <= bound)
    const { traceId, spanId } = span
    series.set(above < 0 ? buckets.length : above, { value, traceId, spanId, at: this.#now() })
  }

  /** By the place of the bucket; the last one has no upper bound. */
  of(name: string, labels: Attributes): ReadonlyMap<number, Exemplar> | undefined {
    return this.#series.get(keyOf(name, labels))
  }
}

function keyOf(name: string, labels: Attributes): string {
  return JSON.stringify([name, labels])
}
