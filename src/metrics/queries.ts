/** The metrics of queries. */
import type { Meter } from '@opentelemetry/api'
import { METRICS } from '../contracts/metric-table.ts'
import type { QueryMetrics } from '../contracts/metrics.ts'
import type { Exemplars } from './exemplars.ts'
import { counter, histogram, observed } from './instruments.ts'

export function queryMetrics(meter: Meter, exemplars?: Exemplars): Required<QueryMetrics> {
  const duration = histogram(meter, METRICS.queryDuration, exemplars)
  const dropped = counter(meter, METRICS.queriesDropped)
  const warned = counter(meter, METRICS.queryWarnings)
  const series = counter(meter, METRICS.querySeries)
  const chunks = counter(meter, METRICS.queryChunks)
  const samples = counter(meter, METRICS.querySamples)
  const bytes = counter(meter, METRICS.queryBytes)
  const cacheHits = counter(meter, METRICS.queryCacheHits)
  const readWith = observed(meter, ['queriesInFlight', 'queriesQueued', 'queryMemory'])
  const countReads = observed(meter, ['queryCacheMisses', 'queryCacheFailures', 'queryHedges', 'queryHedgesWon'])
  return {
    query({ api, outcome, ms, span, limit, warnings, cached, ...taken }) {
      const labels = { api, outcome }
      duration(ms / 1000, labels, span)
      series(taken.series, labels)
      chunks(taken.chunks, labels)
      samples(taken.samples, labels)
      bytes(taken.bytes, labels)
      cacheHits(cached.hits, { api })
      if (limit !== undefined) dropped(1, { reason: limit })
      for (const reason of new Set(warnings)) warned(1, { reason })
    },
    observeQueries({ running, queued, memory }) {
      readWith(tell => {
        tell('queriesInFlight', running())
        tell('queriesQueued', queued())
        tell('queryMemory', memory())
      })
    },
    observeReads({ hedges, cache }) {
      countReads(tell => {
        for (const [kind, { misses }] of Object.entries(cache?.counts ?? {})) tell('queryCacheMisses', misses, { kind })
        tell('queryCacheFailures', cache?.failures)
        tell('queryHedges', hedges?.again)
        tell('queryHedgesWon', hedges?.won)
      })
    },
  }
}
