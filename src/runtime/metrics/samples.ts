/** The samples of a metric, as both text formats tell them. */
import type { Attributes } from '@opentelemetry/api'
import { DataPointType, type MetricData } from '@opentelemetry/sdk-metrics'

export interface Sample {
  /** Behind the name: `_bucket`, `_sum`, `_count` of a histogram; else nothing. */
  readonly suffix: string
  /** Names with nothing in them that a label name may not have. */
  readonly labels: readonly (readonly [name: string, value: string])[]
  /** Of a bucket: its upper bound, and its place. */
  readonly le?: number
  readonly bucket?: number
  readonly value: number
  /** What the labels were made of. */
  readonly attributes: Attributes
}

export function typeOf(metric: MetricData): 'histogram' | 'counter' | 'gauge' {
  if (metric.dataPointType === DataPointType.HISTOGRAM) return 'histogram'
  return metric.dataPointType === DataPointType.SUM && metric.isMonotonic ? 'counter' : 'gauge'
}

export function samplesOf(metric: MetricData): readonly Sample[] {
  switch (metric.dataPointType) {
    case DataPointType.SUM:
    case DataPointType.GAUGE:
      return metric.dataPoints.map(({ attributes, value }) => {
        return { suffix: '', labels: labelsOf(attributes), value, attributes }
      })
    case DataPointType.HISTOGRAM:
      return metric.dataPoints.flatMap(({ attributes, value: { buckets, sum, count } }) => {
        const of = { labels: labelsOf(attributes), attributes }
        let below = 0
        // One count more than boundaries: of what is above them all.
        const samples = buckets.counts.map((n, bucket): Sample => {
          below += n
          return { ...of, suffix: '_bucket', le: buckets.boundaries[bucket] ?? Infinity, bucket, value: below }
        })
        return [...samples, { ...of, suffix: '_sum', value: sum ?? 0 }, { ...of, suffix: '_count', value: count }]
      })
    default: {
      const { name } = metric.descriptor
      throw new TypeError(`metric ${name} must be a counter, a gauge or a histogram with fixed buckets`)
    }
  }
}

function labelsOf(attributes: Attributes): Sample['labels'] {
  return Object.entries(attributes).map(([key, text]) => [key.replaceAll(/[^a-zA-Z0-9_]/g, '_'), String(text)])
}

export function number(value: number): string {
  return String(value).replace('Infinity', 'Inf').replace(/^Inf/, '+Inf')
}
