/** Metrics as OpenMetrics 1.0, which has exemplars: https://prometheus.io/docs/specs/om/open_metrics_spec/. */
import type { MetricData, ResourceMetrics } from '@opentelemetry/sdk-metrics'
import type { Exemplar, Exemplars } from '../../metrics/exemplars.ts'
import { number, type Sample, samplesOf, typeOf } from './samples.ts'

/** Units that a name may end in, which must then be told. */
const UNIT = /_(seconds|bytes)$/

/** As prometheusText(), in the other format; buckets have their exemplars. */
export function openMetricsText({ scopeMetrics }: ResourceMetrics, exemplars: Exemplars): string {
  const lines = scopeMetrics.flatMap(scope => scope.metrics).flatMap(metric => familyOf(metric, exemplars))
  return [...lines, '# EOF', ''].join('\n')
}

function familyOf(metric: MetricData, exemplars: Exemplars): readonly string[] {
  if (metric.dataPoints.length === 0) return []
  const type = typeOf(metric)
  const { name: given, description } = metric.descriptor
  // The family of a counter is named without what its samples end in.
  const name = type === 'counter' ? given.replace(/_total$/, '') : given
  const [, unit] = UNIT.exec(name) ?? []
  return [
    `# HELP ${name} ${quotable(description)}`,
    `# TYPE ${name} ${type}`,
    ...(unit === undefined ? [] : [`# UNIT ${name} ${unit}`]),
    ...samplesOf(metric).map(sample => line(type === 'counter' ? `${name}_total` : name, sample, given, exemplars)),
  ]
}

function line(name: string, sample: Sample, given: string, exemplars: Exemplars): string {
  const { suffix, labels, le, value, bucket, attributes } = sample
  const all = le === undefined ? labels : [...labels, ['le', canonical(le)] as const]
  const text = all.map(([key, of]) => `${key}="${quotable(of)}"`)
  const exemplar = bucket === undefined ? undefined : exemplars.of(given, attributes)?.get(bucket)
  return `${name}${suffix}${text.length === 0 ? '' : `{${text.join(',')}}`} ${number(value)}${exemplarText(exemplar)}`
}

function exemplarText(exemplar: Exemplar | undefined): string {
  if (!exemplar) return ''
  const { traceId, spanId, value, at } = exemplar
  return ` # {trace_id="${traceId}",span_id="${spanId}"} ${number(value)} ${(at / 1000).toFixed(3)}`
}

/** Bounds are labels, so one number must have one text: a whole one ends in `.0`. */
function canonical(bound: number): string {
  return Number.isInteger(bound) ? `${bound}.0` : number(bound)
}

/** Unlike the older format, this one escapes quotes in helps, too. */
function quotable(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
}
