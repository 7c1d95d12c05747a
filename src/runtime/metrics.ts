/** Metrics on any runtime: a meter provider that is read when somebody asks. Nothing runs in the background. */
import { AggregationTemporality, InstrumentType, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import type { Metrics } from '../contracts/metrics.ts'
import { createMetrics } from '../metrics/create.ts'
import { prometheusText } from './metrics/prometheus.ts'

export type { MeasuredRun, Metrics, MetricsSubject } from '../contracts/metrics.ts'
export { createMetrics } from '../metrics/create.ts'

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
 * own provider, with `gaugesAsObserved` as the `aggregationTemporalitySelector` of its reader.
 * @example const meters = setupMetrics(); gateway(config, { …, metrics: meters.metrics }); await meters.text()
 */
export function setupMetrics(): MetricsSetup {
  const reader = new PullReader({ aggregationTemporalitySelector: gaugesAsObserved })
  const provider = new MeterProvider({ readers: [reader] })
  const collect = async () => {
    const { resourceMetrics, errors } = await reader.collect()
    if (errors.length > 0) throw new AggregateError(errors, 'some metrics could not be read')
    return prometheusText(resourceMetrics)
  }
  let collecting: Promise<string> | undefined
  return {
    metrics: createMetrics(provider.getMeter('blockgate')),
    // Of two collections at once, the first would take what the second observed.
    text: () => (collecting ??= collect().finally(() => (collecting = undefined))),
    shutdown: () => provider.shutdown(),
  }
}

/**
 * For the reader of a provider: a gauge is what was observed in this collection. By default the SDK repeats the last value of what
 * is not observed any more, such as the owners of blocks while nobody knows them.
 */
export function gaugesAsObserved(type: InstrumentType): AggregationTemporality {
  return type === InstrumentType.OBSERVABLE_GAUGE ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE
}

class PullReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}
