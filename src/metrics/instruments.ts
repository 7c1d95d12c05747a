/** From the table to OpenTelemetry's instruments, with the labels typed and bounded. */
import type { Meter, Observable, SpanContext } from '@opentelemetry/api'
import { METRICS, type MetricInfo } from '../contracts/metric-table.ts'
import type { Exemplars } from './exemplars.ts'

type Name = keyof typeof METRICS
type Labels<I extends MetricInfo> = Readonly<Record<I['labels'][number], string>>

/** In the unit of the table. */
export type Add<I extends MetricInfo> = (value: number, labels: Labels<I>) => void

export function counter<const I extends MetricInfo>(meter: Meter, info: I): Add<I> {
  const made = meter.createCounter(otelName(info.name), options(info))
  const bound = bounded(info)
  return (value, labels) => made.add(value, bound(labels))
}

/** `span`: in which the value was measured. */
export type Measure<I extends MetricInfo> = (value: number, labels: Labels<I>, span?: SpanContext) => void

export function histogram<const I extends MetricInfo>(meter: Meter, info: I, exemplars?: Exemplars): Measure<I> {
  const advice = { explicitBucketBoundaries: [...(info.buckets ?? [])] }
  const made = meter.createHistogram(info.name, { ...options(info), advice })
  const bound = bounded(info)
  return (value, labels, span) => {
    const told = bound(labels)
    made.record(value, told)
    exemplars?.note(info.name, info.buckets ?? [], told, value, span)
  }
}

/** A value that is undefined is not known: the metric is absent. */
export type Tell<N extends Name> = <K extends N>(
  name: K,
  value: number | undefined,
  ...labels: [(typeof METRICS)[K]['labels'][number]] extends [never] ? [] : [Labels<(typeof METRICS)[K]>]
) => void

/** Makes gauges, and counters that somebody else counts. What it returns registers how they are read, together, at each scrape. */
export function observed<const N extends Name>(
  meter: Meter,
  names: readonly N[],
): (read: (tell: Tell<N>) => void | Promise<void>) => void {
  const instruments = new Map<N, { readonly made: readonly Observable[]; readonly bound: ReturnType<typeof bounded> }>()
  for (const name of names) {
    const info: MetricInfo = METRICS[name]
    const make = info.kind === 'counter' ? 'createObservableCounter' : 'createObservableGauge'
    const made = [info.name, info.oldName ?? []].flat().map(it => meter[make](otelName(it), options(info)))
    instruments.set(name, { made, bound: bounded(info) })
  }
  return read =>
    meter.addBatchObservableCallback(
      result =>
        read((name, value, ...[labels = {}]) => {
          const of = instruments.get(name)
          if (value !== undefined) for (const it of of?.made ?? []) result.observe(it, value, of?.bound(labels))
        }),
      [...instruments.values()].flatMap(({ made }) => made),
    )
}

/** OpenTelemetry names a counter without `_total`, which its text for Prometheus puts back. */
function otelName(name: string): string {
  return name.replace(/_total$/, '')
}

function options({ help, unit }: MetricInfo): { description: string; unit?: string } {
  return { description: help, ...(unit !== undefined && { unit }) }
}

/** Labels of which each has at most 200 values. */
export function bounded<I extends MetricInfo>(info: I): (labels: Labels<I>) => Labels<I> {
  const names = info.labels as readonly I['labels'][number][]
  const limits = names.map(name => [name, new BoundedLabel()] as const)
  return labels => Object.fromEntries(limits.map(([name, limit]) => [name, limit.of(labels[name])])) as Labels<I>
}

const MAX_VALUES = 200
const OTHER = 'other'
const FIT = /^[A-Za-z0-9._:#-]{0,64}$/

/**
 * The values of one label. Stages, reasons and codes are made by users, and each new value is a new time series: the
 * first 200 values pass, and pass always; every later one is `other`.
 */
export class BoundedLabel {
  readonly #known = new Set<string>()

  of(value: string): string {
    if (this.#known.has(value)) return value
    if (this.#known.size >= MAX_VALUES || !FIT.test(value)) return OTHER
    this.#known.add(value)
    return value
  }
}
