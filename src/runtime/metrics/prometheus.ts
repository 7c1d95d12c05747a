/**
 * Metrics as Prometheus reads them, text format 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/.
 * The exporter of OpenTelemetry brings an HTTP server of Node with it, which does not bundle for Workers.
 */
import type { Attributes } from '@opentelemetry/api'
import { DataPointType, type MetricData, type ResourceMetrics } from '@opentelemetry/sdk-metrics'

/**
 * Every metric with a data point, in the order in which the instruments were made. A counter's name ends in `_total`, as Prometheus'
 * do; other names are taken as they are. What no label name may have becomes `_`: the SDK itself writes `otel.metric.overflow`
 * past 2,000 series of a metric, and one bad name fails the whole scrape. Resource and scope are not told.
 */
export function prometheusText({ scopeMetrics }: ResourceMetrics): string {
  const lines = scopeMetrics.flatMap(scope => scope.metrics).flatMap(familyOf)
  return lines.map(line => `${line}\n`).join('')
}

function familyOf(metric: MetricData): readonly string[] {
  if (metric.dataPoints.length === 0) return []
  const type = typeOf(metric)
  const { name: given, description } = metric.descriptor
  const name = type === 'counter' && !given.endsWith('_total') ? `${given}_total` : given
  return [`# HELP ${name} ${escaped(description)}`, `# TYPE ${name} ${type}`, ...samplesOf(name, metric)]
}

function typeOf(metric: MetricData): string {
  if (metric.dataPointType === DataPointType.HISTOGRAM) return 'histogram'
  return metric.dataPointType === DataPointType.SUM && metric.isMonotonic ? 'counter' : 'gauge'
}

function samplesOf(name: string, metric: MetricData): readonly string[] {
  switch (metric.dataPointType) {
    case DataPointType.SUM:
    case DataPointType.GAUGE:
      return metric.dataPoints.map(({ attributes, value }) => sample(name, attributes, value))
    case DataPointType.HISTOGRAM:
      return metric.dataPoints.flatMap(({ attributes, value: { buckets, sum, count } }) => {
        let below = 0
        // One count more than boundaries: of what is above them all.
        const lines = buckets.counts.map((n, i) => {
          below += n
          return sample(`${name}_bucket`, { ...attributes, le: number(buckets.boundaries[i] ?? Infinity) }, below)
        })
        return [...lines, sample(`${name}_sum`, attributes, sum ?? 0), sample(`${name}_count`, attributes, count)]
      })
    default:
      throw new TypeError(`metric ${name} must be a counter, a gauge or a histogram with fixed buckets`)
  }
}

function sample(name: string, attributes: Attributes, value: number): string {
  const labels = Object.entries(attributes).map(
    ([key, text]) => `${key.replaceAll(/[^a-zA-Z0-9_]/g, '_')}="${escaped(String(text)).replaceAll('"', '\\"')}"`,
  )
  return `${name}${labels.length === 0 ? '' : `{${labels.join(',')}}`} ${number(value)}`
}

function number(value: number): string {
  return String(value).replace('Infinity', 'Inf').replace(/^Inf/, '+Inf')
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}
