/** The samples of one series as an answer shows them: all that are stored, or one for each step, as PromQL chooses it. */
import { type HistogramAt, type SeriesSamples, timeOf } from '../../query/samples.ts'
import { hasBuckets } from '../../tsdb/histogram.ts'
import { LOOKBACK_MS, type Question } from './question.ts'

/** In columns, by time. */
export interface Points {
  /** Milliseconds since the epoch. */
  readonly times: readonly number[]
  readonly values: readonly (number | HistogramAt)[]
}

/** Marks a series as stale. */
const STALE = undefined

/**
 * Without a step, the samples from `start` to `end`, both inclusive, as a range selector gives them (`up[1h]`). With one, for each
 * step from `start` on the last sample that is at most 5 minutes old, as a range query gives them. Markers of staleness are none.
 */
export function pointsOf(samples: SeriesSamples, { start, end, step }: Question): Points {
  const all = merged(samples)
  const times: number[] = []
  const values: (number | HistogramAt)[] = []
  const add = (time: number, value: number | HistogramAt | typeof STALE) => {
    if (value === STALE) return
    times.push(time)
    values.push(value)
  }
  if (step === undefined) {
    for (const [i, time] of all.times.entries()) if (time >= start && time <= end) add(time, all.values[i])
    return { times, values }
  }
  let next = 0
  for (let at = start; at <= end; at += step) {
    while (next < all.times.length && (all.times[next] as number) <= at) next++
    const last = all.times[next - 1]
    if (last !== undefined && last >= at - LOOKBACK_MS) add(at, all.values[next - 1])
  }
  return { times, values }
}

/** Floats and histograms together; of a time that has both, both. */
function merged({ floats, histograms }: SeriesSamples) {
  const times: number[] = []
  const values: (number | HistogramAt | typeof STALE)[] = []
  let float = 0
  let histogram = 0
  while (float < floats.length || histogram < histograms.length) {
    const at = histograms[histogram]
    const time = at ? timeOf(at) : Number.POSITIVE_INFINITY
    if (float < floats.length && (floats.times[float] as number) <= time) {
      times.push(floats.times[float] as number)
      values.push(floats.isStale(float) ? STALE : floats.values[float])
      float++
    } else if (at) {
      times.push(time)
      values.push(hasBuckets(at.of, at.i) ? at : STALE)
      histogram++
    }
  }
  return { times, values }
}
