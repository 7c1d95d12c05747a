/** The metrics of a gateway on an OpenTelemetry meter. */
import type { Meter } from '@opentelemetry/api'
import { measured } from '../bucket/wrappers/measured.ts'
import { METRICS } from '../contracts/metric-table.ts'
import type { Metrics } from '../contracts/metrics.ts'
import type { Exemplars } from './exemplars.ts'
import { Gauges } from './gauges.ts'
import { handoverGauges } from './handover.ts'
import { counter, histogram, observed } from './instruments.ts'
import { prewarmGauges } from './prewarm.ts'
import { queryMetrics } from './queries.ts'
import { Staleness } from './staleness.ts'

/**
 * Makes every instrument of `METRICS`, for one gateway. Call it when the provider of `meter` is there: instruments of the
 * no-op provider stay no-ops.
 *
 * A gauge whose value is not known is not observed. Give the provider a reader that takes observable gauges as deltas, as
 * `gaugesAsObserved` of blockgate/runtime/metrics selects: as cumulative ones the SDK repeats the last value.
 *
 * @param exemplars where values of recorded traces are kept; default: nowhere
 */
export function createMetrics(meter: Meter, exemplars?: Exemplars): Metrics {
  const added = counter(meter, METRICS.added)
  const addedBytes = counter(meter, METRICS.addedBytes)
  const skipped = counter(meter, METRICS.skipped)
  const failed = counter(meter, METRICS.failed)
  const settled = { dropped: counter(meter, METRICS.dropped), retained: counter(meter, METRICS.retained) }
  const retried = counter(meter, METRICS.retried)
  const stageDuration = histogram(meter, METRICS.stageDuration, exemplars)
  const requests = counter(meter, METRICS.requests)
  const requestDuration = histogram(meter, METRICS.requestDuration, exemplars)
  const readBytes = counter(meter, METRICS.readBytes)
  const writtenBytes = counter(meter, METRICS.writtenBytes)
  const runs = counter(meter, METRICS.runs)
  const runDuration = histogram(meter, METRICS.runDuration, exemplars)
  const reoffered = counter(meter, METRICS.reoffered)
  const addsAborted = counter(meter, METRICS.addsAborted)
  const wastedBytes = counter(meter, METRICS.wastedBytes)
  const converged = histogram(meter, METRICS.converged, exemplars)
  const faults = counter(meter, METRICS.faults)
  const readLimit = observed(meter, ['bucketLimit'])
  const spansLost = counter(meter, METRICS.spansLost)
  const gauges = new Gauges(meter)
  const staleness = new Staleness(histogram(meter, METRICS.staleness))
  const observeHandover = handoverGauges(meter)
  const observePrewarm = prewarmGauges(meter)
  return {
    observe(subject) {
      gauges.observe(subject)
      staleness.observe(subject)
      observeHandover(subject)
      observePrewarm(subject)
    },
    stage: (stage, ms, span) => stageDuration(ms / 1000, { stage }, span),
    added(bytes, block) {
      staleness.added(block)
      added(1, {})
      addedBytes(bytes, {})
    },
    retried: (stage, code) => retried(1, { stage, code }),
    settled: (kind, reason) => settled[kind](1, { reason }),
    reoffered: blocks => reoffered(blocks, {}),
    addAborted(bytes) {
      addsAborted(1, {})
      wastedBytes(bytes, {})
    },
    fault: call => faults(1, { call }),
    spansLost: (spans, reason) => spansLost(spans, { reason }),
    ...queryMetrics(meter, exemplars),
    converged: ms => converged(ms / 1000, {}),
    run(end) {
      const { run, stages, failures } = end.summary
      runs(1, { reason: run.reason, status: end.status, listed: run.listed })
      runDuration(run.durationMs / 1000, { reason: run.reason })
      for (const { name: stage, skipped: reasons } of stages) {
        for (const [reason, blocks] of Object.entries(reasons)) skipped(blocks, { stage, reason })
      }
      for (const { by: stage, code } of failures) failed(1, { stage, code })
      gauges.afterRun(end)
      staleness.afterRun(end)
    },
    measured(bucket, host) {
      if (bucket.limit) readLimit(tell => tell('bucketLimit', bucket.limit?.()))
      return measured(bucket, host, {
        request(op, code, ms, span) {
          requests(1, { op, code })
          gauges.requested(code)
          requestDuration(ms / 1000, { op }, span)
        },
        read: bytes => readBytes(bytes, {}),
        written: bytes => writtenBytes(bytes, {}),
      })
    },
  }
}
