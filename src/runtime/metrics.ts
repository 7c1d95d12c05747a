/** Metrics on any runtime: a meter provider that is read when somebody asks. Nothing runs in the background. */
import {
  AggregationTemporality,
  InstrumentType,
  MeterProvider,
  MetricReader,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics'
import type { Metrics } from '../contracts/metrics.ts'
import { createMetrics } from '../metrics/create.ts'
import { Exemplars } from '../metrics/exemplars.ts'
import { openMetricsText } from './metrics/openmetrics.ts'
import { prometheusText } from './metrics/prometheus.ts'

export type { MeasuredRun, Metrics, MetricsSubject } from '../contracts/metrics.ts'
export { createMetrics } from '../metrics/create.ts'

export interface MetricsSetup {
  /** For `Platform.metrics`, of one gateway. */
  readonly metrics: Metrics
  /** Everything as Prometheus reads it: text/plain; version=0.0.4. */
  text(): Promise<string>
  /** The same as OpenMetrics 1.0, where histograms have exemplars: values with the traces that they were measured in. */
  openMetrics(): Promise<string>
  /** May be called twice; `text()` then tells what was known before. */
  shutdown(): Promise<void>
}

/**
 * Own instruments, apart from any global provider. To send metrics elsewhere, hand `createMetrics(meter)` a meter of your
 * own provider, with `gaugesAsObserved` as the `aggregationTemporalitySelector` of its reader.
 * @param options `now`: the wall clock that dates exemplars, in ms since the epoch
 * @example const meters = setupMetrics(); gateway(config, { …, metrics: meters.metrics }); await meters.text()
 */
export function setupMetrics({ now = Date.now }: { readonly now?: () => number } = {}): MetricsSetup {
  const reader = new PullReader({ aggregationTemporalitySelector: gaugesAsObserved })
  const provider = new MeterProvider({ readers: [reader] })
  const collect = async () => {
    const { resourceMetrics, errors } = await reader.collect()
    if (errors.length > 0) throw new AggregateError(errors, 'some metrics could not be read')
    return resourceMetrics
  }
  let collecting: Promise<ResourceMetrics> | undefined
  // Of two collections at once, the first would take what the second observed.
  const collected = () => (collecting ??= collect().finally(() => (collecting = undefined)))
  const exemplars = new Exemplars(now)
  return {
    metrics: createMetrics(provider.getMeter('blockgate'), exemplars),
    text: async () => prometheusText(await collected()),
    openMetrics: async () => openMetricsText(await collected(), exemplars),
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
