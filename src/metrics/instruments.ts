/** From the table to OpenTelemetry's instruments, with the labels typed and bounded. */
import type { Counter, Histogram, Meter, ObservableCounter, ObservableGauge } from '@opentelemetry/api'
import type { MetricInfo } from '../contracts/metric-table.ts'
import { BoundedLabel } from './labels.ts'

export type Labels<I extends MetricInfo> = Readonly<Record<I['labels'][number], string>>

export type Add<I extends MetricInfo> = (value: number, labels: Labels<I>) => void

export function counter<const I extends MetricInfo>(meter: Meter, info: I): Add<I> {
  // As OpenTelemetry names counters: the ending is Prometheus' own, and its text puts it back.
  const made: Counter = meter.createCounter(info.name.replace(/_total$/, ''), describe(info))
  const bound = bounded(info)
  return (value, labels) => made.add(value, bound(labels))
}

/** In the unit of the table. */
export function histogram<const I extends MetricInfo>(meter: Meter, info: I): Add<I> {
  const advice = { explicitBucketBoundaries: [...(info.buckets ?? [])] }
  const made: Histogram = meter.createHistogram(info.name, { ...describe(info), advice })
  const bound = bounded(info)
  return (value, labels) => made.record(value, bound(labels))
}

/** A counter that somebody else counts; read in a batch callback. */
export function counted(meter: Meter, info: MetricInfo): ObservableCounter {
  return meter.createObservableCounter(info.name.replace(/_total$/, ''), describe(info))
}

export interface Gauge<I extends MetricInfo> {
  readonly instrument: ObservableGauge
  readonly labels: (labels: Labels<I>) => Labels<I>
}

/** Read in a batch callback: see createMetrics. */
export function gauge<const I extends MetricInfo>(meter: Meter, info: I): Gauge<I> {
  return { instrument: meter.createObservableGauge(info.name, describe(info)), labels: bounded(info) }
}

function describe({ help, unit }: MetricInfo): { description: string; unit?: string } {
  return { description: help, ...(unit !== undefined && { unit }) }
}

function bounded<I extends MetricInfo>(info: I): (labels: Labels<I>) => Labels<I> {
  const names = info.labels as readonly I['labels'][number][]
  const limits = names.map(name => [name, new BoundedLabel()] as const)
  return labels => Object.fromEntries(limits.map(([name, limit]) => [name, limit.of(labels[name])])) as Labels<I>
}
