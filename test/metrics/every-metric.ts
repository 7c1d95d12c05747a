/** A meter that has told every metric of the table, once. */
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { METRICS, type MetricInfo } from '../../src/contracts/metric-table.ts'
import { Exemplars } from '../../src/metrics/exemplars.ts'
import { counter, histogram, observed } from '../../src/metrics/instruments.ts'
import { openMetricsText } from '../../src/runtime/metrics/openmetrics.ts'
import { prometheusText } from '../../src/runtime/metrics/prometheus.ts'

class Reader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

export interface Texts {
  text(): Promise<string>
  openMetrics(): Promise<string>
}

export async function everyMetric(): Promise<Texts> {
  const reader = new Reader()
  const meter = new MeterProvider({ readers: [reader] }).getMeter('test')
  const exemplars = new Exemplars(Date.now)
  const span = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 }
  for (const [key, info] of Object.entries<MetricInfo>(METRICS)) {
    const labels = Object.fromEntries(info.labels.map(label => [label, 'a']))
    if (info.kind === 'histogram') histogram(meter, info, exemplars)(0.5, labels, span)
    // Only what is observed has old names.
    else if (info.kind === 'counter' && info.oldName === undefined) counter(meter, info)(1, labels)
    else observed(meter, [key as keyof typeof METRICS])(tell => tell(key as 'epoch', 1, ...([labels] as unknown as [])))
  }
  const collected = async () => (await reader.collect()).resourceMetrics
  return {
    text: async () => prometheusText(await collected()),
    openMetrics: async () => openMetricsText(await collected(), exemplars),
  }
}
