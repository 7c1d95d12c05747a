/**
 * Metrics as Prometheus reads them, text format 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/.
 * The exporter of OpenTelemetry brings an HTTP server of Node with it, which does not bundle for Workers.
 */
import type { MetricData, ResourceMetrics } from '@opentelemetry/sdk-metrics'
import { number, type Sample, samplesOf, typeOf } from './samples.ts'

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
  return [
    `# HELP ${name} ${escaped(description)}`,
    `# TYPE ${name} ${type}`,
    ...samplesOf(metric).map(sample => line(name, sample)),
  ]
}

function line(name: string, { suffix, labels, le, value }: Sample): string {
  const all = le === undefined ? labels : [...labels, ['le', number(le)] as const]
  const text = all.map(([key, of]) => `${key}="${escaped(of).replaceAll('"', '\\"')}"`)
  return `${name}${suffix}${text.length === 0 ? '' : `{${text.join(',')}}`} ${number(value)}`
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}
