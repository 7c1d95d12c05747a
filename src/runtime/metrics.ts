/** Metrics on any runtime: a meter provider that is read when somebody asks. Nothing runs in the background. */
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { createMetrics } from '../metrics/create.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { prometheusText } from './metrics/prometheus.ts'

export { createMetrics } from '../metrics/create.ts'
export type { MeasuredRun, Metrics, MetricsSubject } from '../metrics/metrics.ts'

export interface MetricsSetup {
  /** For `Platform.metrics`, of one gateway. */
  readonly metrics: Metrics
  /** Everything as Prometheus reads it: text/plain; version=0.0.4. */
  text(): Promise<string>
  /** May be called twice; `text()` then tells what was known before. */
  shutdown(): Promise<void>
}

/**
 * Own instruments, apart from any global provider. To send metrics elsewhere, hand `createMetrics(meter)` a meter of your
 * own provider.
 * @example const meters = setupMetrics(); gateway(config, { …, metrics: meters.metrics }); await meters.text()
 */
export function setupMetrics(): MetricsSetup {
  const reader = new PullReader()
  const provider = new MeterProvider({ readers: [reader] })
  return {
    metrics: createMetrics(provider.getMeter('blockgate')),
    async text() {
      const { resourceMetrics, errors } = await reader.collect()
      if (errors.length > 0) throw new AggregateError(errors, 'some metrics could not be read')
      return prometheusText(resourceMetrics)
    },
    shutdown: () => provider.shutdown(),
  }
}

class PullReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}
