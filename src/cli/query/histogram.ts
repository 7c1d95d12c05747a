/** The buckets of a native histogram with their bounds. Source: `model/histogram` of prometheus. */
import type { HistogramAt } from '../../query/samples.ts'
import type { BucketSpan, HistogramLayout } from '../../tsdb/histogram.ts'
import { numberText } from './number-text.ts'

export interface Bucket {
  readonly lower: number
  readonly upper: number
  readonly count: number
  readonly lowerInclusive: boolean
  readonly upperInclusive: boolean
}

const CUSTOM_BUCKETS = -53

/** Those that are not empty, from the lowest to the highest. */
export function bucketsOf({ of, i }: HistogramAt): readonly Bucket[] {
  const { layout, width, rows, zeroCounts } = of
  const row = of.buckets.subarray((rows[i] as number) * width, (rows[i] as number) * width + width)
  const positives = layout.positive.reduce((sum, { length }) => sum + length, 0)
  const negative = sideOf(layout, layout.negative, row.subarray(positives)).map(({ lower, upper, count }) => ({
    ...{ lower: -upper, upper: -lower, count, lowerInclusive: true, upperInclusive: false },
  }))
  const zero = {
    ...{ lower: -layout.zeroThreshold, upper: layout.zeroThreshold, count: zeroCounts[i] as number },
    ...{ lowerInclusive: true, upperInclusive: true },
  }
  const positive = sideOf(layout, layout.positive, row.subarray(0, positives)).map(each => ({
    ...{ ...each, lowerInclusive: false, upperInclusive: true },
  }))
  return [...negative.reverse(), zero, ...positive].filter(({ count }) => count !== 0)
}

/** As PromQL writes one: `{count:3, sum:1.5, (0.5,1]:3}`. */
export function histogramText(at: HistogramAt): string {
  const buckets = bucketsOf(at).map(({ lower, upper, count, lowerInclusive, upperInclusive }) => {
    const [left, right] = [lowerInclusive ? '[' : '(', upperInclusive ? ']' : ')']
    return `${left}${numberText(lower)},${numberText(upper)}${right}:${numberText(count)}`
  })
  const { counts, sums } = at.of
  const [count, sum] = [numberText(counts[at.i] as number), numberText(sums[at.i] as number)]
  return `{${[`count:${count}`, `sum:${sum}`, ...buckets].join(', ')}}`
}

/** The buckets of one sign, by their index; of integers each value is the difference to the one before it. */
function sideOf(layout: HistogramLayout, spans: readonly BucketSpan[], values: Float64Array) {
  const buckets: { lower: number; upper: number; count: number }[] = []
  let index = 0
  let count = 0
  let at = 0
  for (const { offset, length } of spans) {
    index += offset
    for (let i = 0; i < length; i++, index++) {
      const value = values[at++] as number
      count = layout.isFloat ? value : count + value
      buckets.push({ lower: bound(layout, index - 1), upper: bound(layout, index), count })
    }
  }
  return buckets
}

/** The upper bound of the bucket with an index. */
function bound({ schema, customValues }: HistogramLayout, index: number): number {
  if (schema === CUSTOM_BUCKETS) {
    return index < 0 ? Number.NEGATIVE_INFINITY : (customValues[index] ?? Number.POSITIVE_INFINITY)
  }
  const exponent = index * 2 ** -schema
  // The last bucket ends at the largest number, for there is none for 2^1024. Prometheus has a table, which differs by a last digit.
  return exponent >= 1024 ? Number.MAX_VALUE : 2 ** exponent
}
