import { decodeHistogram, type HistogramSamples } from 'blockgate/tsdb'
import { describe, expect, it } from 'vitest'
import { encodeHistograms, goesOn } from '../../src/tsdb/histogram-encode.ts'
import { encodeHistogram, type HistogramSample, type HistogramShape, STALE } from '../support/chunk-encoder.ts'

const bits = (value: number) => new DataView(Float64Array.of(value).buffer).getBigUint64(0, true)
const SHAPE: HistogramShape = {
  isFloat: false,
  resetHeader: 0,
  schema: 3,
  zeroThreshold: 116,
  positive: [
    { offset: -2, length: 2 },
    { offset: 5, length: 1 },
  ],
  negative: [{ offset: 0, length: 1 }],
  customValues: [],
}

function samples(isFloat: boolean, count: number, start = 0): readonly HistogramSample[] {
  const number = (value: number) => (isFloat ? bits(value / 3) : BigInt(value))
  return Array.from({ length: count }, (_, i) => ({
    time: BigInt(1_700_000_000_000 + start + i * 15_000 + (i % 3)),
    count: number(start + 40 + i * i * 7),
    zeroCount: number(start + 5 + i),
    sum: bits(i * 1.1),
    buckets: [3, 1, 2, 30].map(each => number(each + i)),
  }))
}

function decoded(shape: HistogramShape, list: readonly HistogramSample[]): HistogramSamples {
  return decodeHistogram(encodeHistogram(shape, list), { isFloat: shape.isFloat, hasStarts: false })
}
const all = (of: HistogramSamples) => Array.from({ length: of.length }, (_, i) => ({ of, i }))

describe('a chunk of histograms', () => {
  it.each<[string, Partial<HistogramShape>]>([
    ['integers', {}],
    ['gauges', { resetHeader: 3 }],
    ['floats', { isFloat: true }],
    ['a zero bucket of no width', { zeroThreshold: 0 }],
    ['the widest zero bucket of a byte', { zeroThreshold: 254 }],
    ['no buckets', { positive: [], negative: [] }],
    ['custom buckets', { schema: -53, zeroThreshold: 0, negative: [], customValues: [5, 10, 33_554_430] }],
  ])('of %s is encoded as it was', (_, shape) => {
    const given = { ...SHAPE, ...shape }
    const width = [...given.positive, ...given.negative].reduce((sum, { length }) => sum + length, 0)
    const list = samples(given.isFloat, 50).map(each => ({ ...each, buckets: each.buckets.slice(0, width) }))
    // Behind a stale marker there are only others.
    const stale = { ...list[49], time: 1_700_001_000_000n, sum: STALE } as HistogramSample
    const data = encodeHistogram(given, list)
    expect(encodeHistograms(all(decoded(given, list)))).toEqual(data)
    const again = decodeHistogram(encodeHistograms(all(decoded(given, [...list, stale]))), {
      isFloat: given.isFloat,
      hasStarts: false,
    })
    expect([again.length, again.rows[49], again.rows[50]]).toEqual([51, 49, -1])
  })

  it('has numbers that no short form has room for', () => {
    const list: readonly HistogramSample[] = [0, 1, 2].map(i => ({
      time: [-(2n ** 45n), 0n, 2n ** 45n][i] ?? 0n,
      count: [0n, 2n ** 50n, 5n][i] ?? 0n,
      zeroCount: [2n ** 51n, 0n, 2n ** 24n][i] ?? 0n,
      sum: bits(Number.NaN),
      buckets: [-(2n ** 40n), 2n ** 40n, 4n, -4n],
    }))
    expect(encodeHistograms(all(decoded(SHAPE, list)))).toEqual(encodeHistogram(SHAPE, list))
  })

  it.each([0.1, 2048, 2 ** -244])(
    'has bounds that are no thousandths, and a threshold of %d, which no byte has',
    zeroThreshold => {
      const of = decoded(
        { ...SHAPE, schema: -53, negative: [], customValues: [1] },
        samples(false, 2).map(each => ({ ...each, buckets: each.buckets.slice(0, 3) })),
      )
      const layout = { ...of.layout, customValues: [0.1, 1 / 3, -1, Infinity, 1e9], zeroThreshold }
      const again = decodeHistogram(encodeHistograms(all({ ...of, layout })), { isFloat: false, hasStarts: false })
      expect(again.layout).toEqual(layout)
    },
  )

  it('that begins with a stale marker has no buckets', () => {
    const stale = samples(false, 1).map(each => ({ ...each, sum: STALE, count: 0n, zeroCount: 0n }))
    const of = { ...decoded(SHAPE, samples(false, 1)), sums: decoded(SHAPE, stale).sums, rows: Int32Array.of(-1) }
    const again = decodeHistogram(encodeHistograms(all(of)), { isFloat: false, hasStarts: false })
    expect([again.length, again.width, again.rows[0]]).toEqual([1, 0, -1])
  })
})

describe('what may stand behind another one in a chunk', () => {
  const [first = { of: decoded(SHAPE, []), i: 0 }, second = first] = all(decoded(SHAPE, samples(false, 2)))
  const other = (shape: Partial<HistogramShape>, change: Partial<HistogramSample> = {}) => ({
    of: decoded(
      { ...SHAPE, ...shape },
      samples(shape.isFloat ?? false, 1, 9).map(each => ({ ...each, ...change })),
    ),
    i: 0,
  })

  it('the next of its own chunk, and one of another chunk that has the same buckets and no smaller count', () => {
    expect([goesOn(first, second), goesOn(first, other({}))]).toEqual([true, true])
  })

  it.each<[string, Partial<HistogramShape>, Partial<HistogramSample>?]>([
    ['of another kind', { isFloat: true }],
    ['of another schema', { schema: 2 }],
    ['of another zero bucket', { zeroThreshold: 117 }],
    ['of other positive buckets', { positive: [{ offset: -2, length: 3 }] }],
    ['of other negative buckets', { negative: [{ offset: 1, length: 1 }] }],
    ['that is a gauge', { resetHeader: 3 }],
    ['whose count is smaller', {}, { count: 39n }],
    ['whose zero count is smaller', {}, { zeroCount: 4n }],
    ['of which a positive bucket is smaller', {}, { buckets: [9n, -6n, 100n, 99n] }],
    ['of which a negative bucket is smaller', {}, { buckets: [9n, 9n, 9n, 29n] }],
  ])('not one %s', (_, shape, change) => {
    expect(goesOn(first, other(shape, change))).toBe(false)
  })

  it('gauges may become smaller; behind a stale marker is another one alone', () => {
    const gauge = { of: decoded({ ...SHAPE, resetHeader: 3 }, samples(false, 1)), i: 0 }
    expect(goesOn(gauge, other({ resetHeader: 3 }, { count: 1n }))).toBe(true)
    const [, stale = first] = all(
      decoded(SHAPE, [...samples(false, 1), ...samples(false, 1, 9).map(each => ({ ...each, sum: STALE }))]),
    )
    expect([goesOn(first, stale), goesOn(stale, stale), goesOn(stale, second)]).toEqual([true, true, false])
  })
})
