/** Series of every kind that a Prometheus takes by remote write: each sample can be worked out of the number of its step. */
import { decodeHistogram } from 'blockgate/tsdb'
import type { Label } from '../../../src/query/labels.ts'
import { type HistogramAt, SeriesSamples } from '../../../src/query/samples.ts'
import { encodeHistogram, type HistogramShape, STALE } from '../../support/chunk-encoder.ts'

/** ms: a multiple of six hours. */
export const START = 1_700_006_400_000
export const STEP = 60_000

const bits = (value: number): bigint => new DataView(Float64Array.of(value).buffer).getBigUint64(0, true)

/** Stands for the bits of a stale marker, which no number has; undefined for no sample at all. */
export const GONE = Symbol('stale')
type Value = number | typeof GONE | undefined

export interface FloatSeries {
  readonly labels: readonly Label[]
  valueAt(step: number): Value
  /** ms behind the step. */
  offsetAt?: (step: number) => number
}

const ODD = [
  'ünï',
  'a"b',
  'c\\d',
  'x\ny',
  '漢字',
  '😀',
  ' ',
  '$^.*',
  'a|b',
  'é',
  'e\u0301',
  '\u007f',
  '\ufffd',
  '\0',
  '🇺🇸',
]
const STRANGE = [Number.NaN, Infinity, -Infinity, -0, 5e-324, -Number.MAX_VALUE, 0.1 + 0.2, 1e-7, 2 ** 53 + 2, 1e21]
const JOBS = ['api', 'web', 'db']
const BUCKETS = ['0.1', '0.5', '1', '2.5', '+Inf']

function named(name: string, labels: Readonly<Record<string, string>> = {}): readonly Label[] {
  const all = Object.entries({ __name__: name, ...labels })
  return all.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}

/** Of 0 to 1, always the same for the same numbers. */
function noise(i: number, step: number): number {
  const mixed = Math.imul((step + 1) ^ Math.imul(i + 1, 0x9e3779b1), 0x85ebca6b)
  return ((mixed ^ (mixed >>> 13)) >>> 0) / 2 ** 32
}

/** Whether a target is away: it says so by one stale marker, and comes back after twenty steps. */
function away(i: number, step: number): Value | 'there' {
  const into = (step + 37 * i) % 150
  if (into === 0) return GONE
  return into < 20 ? undefined : 'there'
}

function ofTargets(make: (i: number, labels: Readonly<Record<string, string>>) => FloatSeries[]): FloatSeries[] {
  return JOBS.flatMap((job, j) => [0, 1].flatMap(n => make(2 * j + n, { job, instance: `10.0.${j}.${n}:9100` })))
}

export const FLOATS: readonly FloatSeries[] = [
  ...ofTargets((i, labels) => [
    {
      labels: named('up', labels),
      valueAt(step) {
        const is = away(i, step)
        return is === 'there' ? (noise(i, step) < 0.05 ? 0 : 1) : is
      },
    },
    ...['200', '404', '500'].map((code, c) => ({
      labels: named('requests_total', { ...labels, code }),
      valueAt(step: number) {
        const is = away(i, step)
        return is === 'there' ? (step % (170 + 31 * i)) * (7 + c) + Math.floor(5 * noise(i + c, step)) : is
      },
    })),
    {
      labels: named('temperature', { ...labels, sensor: `s${i % 2}` }),
      valueAt(step) {
        if (noise(i, step) < 0.03) return STRANGE[step % STRANGE.length]
        return 20 + 5 * Math.sin(step / 30 + i) + noise(i, step)
      },
    },
    ...[1, 2].map(version => ({
      labels: named('build_info', { ...labels, version: `v${version}` }),
      // The second version takes over at step 400 + 10 * i, and the first goes stale.
      valueAt: (step: number): Value => {
        const change = 400 + 10 * i
        if (version === 2) return step >= change ? 1 : undefined
        return step < change ? 1 : step === change ? GONE : undefined
      },
    })),
    ...BUCKETS.map((le, b) => ({
      labels: named('seconds_bucket', { ...labels, le }),
      valueAt: (step: number) => (step % (300 + 11 * i)) * (b + 1) * 2 + Math.floor(2 * b * noise(i, step)),
    })),
    { labels: named('seconds_count', labels), valueAt: step => (step % (300 + 11 * i)) * 10 + 8 },
    { labels: named('seconds_sum', labels), valueAt: step => (step % (300 + 11 * i)) * 7.25 + noise(i, step) },
  ]),
  ...[...ODD, 'z'.repeat(5000)].map((v, i) => ({
    labels: named('odd', { kind: `k${i}`, v }),
    valueAt: (step: number) => i + (step % 7),
  })),
  {
    labels: named('sparse'),
    valueAt: step => (step % 9 === 0 ? noise(1, step) * 1e6 : undefined),
    offsetAt: step => Math.floor(noise(2, step) * STEP),
  },
  { labels: named('job:up:sum'), valueAt: step => 3 + (step % 2) },
  { labels: named('constant', { empty: ' ' }), valueAt: () => 42 },
  // Only its first sample is near: it goes stale by time alone.
  { labels: named('once'), valueAt: step => (step === 123 ? 7 : undefined) },
  // 2.42 takes any text as the name of a label by remote write; its own client takes back those of ASCII alone.
  { labels: named('utf8_names', { 'http.status': '200', ключ: 'значение', '😀': 'ü' }), valueAt: step => step },
]

/** The samples of steps `from` to `to`, the last exclusive. */
export function floatsOf({ valueAt, offsetAt }: FloatSeries, from: number, to: number): SeriesSamples {
  const samples = new SeriesSamples()
  const { floats } = samples
  floats.reserve(to - from)
  for (let step = from; step < to; step++) {
    const value = valueAt(step)
    if (value === undefined) continue
    const i = floats.length++
    floats.times[i] = START + step * STEP + (offsetAt?.(step) ?? 0)
    if (value === GONE) floats.halves.set([2, 0x7ff00000], 2 * i)
    else floats.values[i] = value
  }
  return samples
}

export const HISTOGRAMS: readonly (readonly [name: string, isFloat: boolean, isGauge: boolean])[] = [
  ['h_counter', false, false],
  ['h_gauge', false, true],
  ['hf_counter', true, false],
  ['hf_gauge', true, true],
]

/** Histograms of steps `from` to `to`: growing ones with a reset, or gauges; some stale markers. */
export function histogramsOf(isFloat: boolean, isGauge: boolean, from: number, to: number): SeriesSamples {
  const shape: HistogramShape = {
    isFloat,
    resetHeader: isGauge ? 3 : 0,
    schema: 2,
    zeroThreshold: 116,
    positive: [
      { offset: -1, length: 3 },
      { offset: 4, length: from > 300 ? 3 : 2 },
    ],
    negative: [{ offset: 0, length: 2 }],
    customValues: [],
  }
  const width = 5 + (from > 300 ? 1 : 0) + 2
  const samples = Array.from({ length: to - from }, (_, i) => {
    const step = from + i
    const grown = isGauge ? (step * 7) % 50 : step % 200
    const counts = Array.from({ length: width }, (_, j) => 1 + grown * (1 + (j % 3)))
    const zero = 2 + grown
    const total = counts.reduce((sum, each) => sum + each, zero)
    const number = (value: number) => (isFloat ? bits(value / 4) : BigInt(value))
    // Integers are stored as differences, of each sign apart.
    const positive = counts.slice(0, width - 2)
    const negative = counts.slice(width - 2)
    const differences = (list: readonly number[]) =>
      list.map((value, j) => value - (j === 0 ? 0 : (list[j - 1] as number)))
    const buckets = isFloat ? counts : [...differences(positive), ...differences(negative)]
    return {
      time: BigInt(START + step * STEP),
      count: number(total),
      zeroCount: number(zero),
      // 2.42 takes a stale marker of floats for one of integers, and loses what was sent with it.
      sum: step % 90 === 89 && !isFloat ? STALE : bits(total * 1.5),
      buckets: buckets.map(number),
    }
  })
  const of = decodeHistogram(encodeHistogram(shape, samples), { isFloat, hasStarts: false })
  const filled = new SeriesSamples()
  for (let i = 0; i < of.length; i++) filled.histograms.push({ of, i } satisfies HistogramAt)
  return filled
}
