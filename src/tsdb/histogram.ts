/**
 * Chunks of native histograms: encodings 2 (integer) and 3 (float), and 5 and 6, which are the same with start timestamps. One layout
 * of buckets a chunk, then the samples: of integers the changes of deltas, of floats XORed values.
 */
import { corrupt } from './binary.ts'
import { BitReader } from './bits.ts'
import { FloatRows, IntegerRows } from './histogram-rows.ts'
import { STALE_HIGH, STALE_LOW } from './samples.ts'
import { chunkCount } from './xor.ts'
import { float64, XorValue } from './xor-value.ts'
import { StartTimes } from './xor2.ts'

const WHAT = 'histogram chunk'
const TIME = `${WHAT}: time`
const CUSTOM_BUCKETS = -53
/** More buckets than any histogram of Prometheus has; what is read of a chunk is bounded by its bytes besides. */
const MAX_BUCKETS = 65_536

export interface BucketSpan {
  /** Of the first span the index of its first bucket, else the gap before it. */
  readonly offset: number
  readonly length: number
}

/** What all histograms of a chunk share. */
export interface HistogramLayout {
  readonly isFloat: boolean
  /** What the chunk says of a reset before it: unknown 0, not reset 1, reset 2, gauge 3. */
  readonly resetHeader: number
  /** −4 to 8 exponential, −53 custom buckets. */
  readonly schema: number
  readonly zeroThreshold: number
  readonly positive: readonly BucketSpan[]
  readonly negative: readonly BucketSpan[]
  /** Upper bounds of custom buckets. */
  readonly customValues: readonly number[]
}

/** The histograms of one chunk in columns, as they are stored. */
export interface HistogramSamples {
  readonly layout: HistogramLayout
  readonly length: number
  /** Milliseconds since the epoch. */
  readonly times: Float64Array
  readonly counts: Float64Array
  readonly zeroCounts: Float64Array
  readonly sums: Float64Array
  /**
   * Rows of `width`: the positive buckets, then the negative ones. Of integer histograms each is the difference to the bucket before
   * it of its sign, of float histograms the count itself.
   */
  readonly buckets: Float64Array
  readonly width: number
  /** The row of each sample; −1 for one that only marks the series as stale. */
  readonly rows: Int32Array
  /** Start timestamps; all 0 where the chunk has none. */
  readonly starts: Float64Array
}

/** @throws BlockgateError `corrupt-block` */
export function decodeHistogram(
  data: Uint8Array,
  options: { readonly isFloat: boolean; readonly hasStarts: boolean },
): HistogramSamples {
  const { isFloat, hasStarts } = options
  const first = data[0] ?? 0
  // With start timestamps, the two bits for resets stand before the count, and the third byte is theirs.
  const count = chunkCount(data, 3, WHAT, hasStarts ? 0x3fff : 0xffff)
  const flags = (hasStarts ? first : (data[2] as number)) >>> 6
  const reader = new BitReader(data, 3)
  const layout = count === 0 ? emptyLayout(isFloat, flags) : readLayout(reader, isFloat, flags)
  const width = bucketsOf(layout.positive) + bucketsOf(layout.negative)
  if (width > MAX_BUCKETS) throw corrupt(`${WHAT}: buckets`, `be <= ${MAX_BUCKETS}`, width)
  // Each bucket takes a bit at least, and a stale sample has none: no more room is made than the bytes can fill.
  const most = width === 0 ? 0 : Math.min(count, Math.ceil((data.length * 8) / width))
  const samples = {
    layout,
    length: count,
    times: new Float64Array(count),
    counts: new Float64Array(count),
    zeroCounts: new Float64Array(count),
    sums: new Float64Array(count),
    buckets: new Float64Array(most * width),
    width,
    rows: new Int32Array(count).fill(-1),
    starts: new Float64Array(count),
  }
  const starts = new StartTimes(hasStarts ? (data[2] as number) : 0)
  const read = isFloat ? new FloatRows(width) : new IntegerRows(width)
  const bucketValues = read.values.subarray(2)
  const sum = new XorValue()
  const sumHalves = new Uint32Array(samples.sums.buffer)
  let time = 0
  let delta = 0
  let row = 0
  for (let i = 0; i < count; i++) {
    const before = time
    const change = reader.varbitInt(TIME)
    if (i === 0) time = change
    else {
      delta += change
      time += delta
    }
    samples.times[i] = time
    read.counts(reader, i)
    samples.counts[i] = read.values[0] as number
    samples.zeroCounts[i] = read.values[1] as number
    sum.read(reader, i === 0)
    sumHalves[2 * i] = sum.low
    sumHalves[2 * i + 1] = sum.high
    const isStale = sum.high >>> 0 === STALE_HIGH && sum.low >>> 0 === STALE_LOW
    if (!isStale) {
      read.buckets(reader, i)
      samples.buckets.set(bucketValues, row * width)
      samples.rows[i] = row++
    }
    samples.starts[i] = starts.read(reader, i, time, before)
    if (reader.isPast) reader.check(`${WHAT}: sample ${i}`)
  }
  if (!Number.isSafeInteger(time)) throw corrupt(`${WHAT}: last time`, 'be a safe integer', time)
  return samples
}

function readLayout(reader: BitReader, isFloat: boolean, resetHeader: number): HistogramLayout {
  const threshold = reader.bits(8)
  const zeroThreshold =
    threshold === 0 ? 0 : threshold === 255 ? float64(reader.bits(32), reader.bits(32)) : 2 ** (threshold - 244)
  const schema = reader.varbitInt(`${WHAT}: schema`)
  if (schema !== CUSTOM_BUCKETS && (schema < -9 || schema > 52))
    throw corrupt(`${WHAT}: schema`, 'be -9 to 52, or -53', schema)
  const positive = readSpans(reader)
  const negative = readSpans(reader)
  const customValues: number[] = []
  if (schema === CUSTOM_BUCKETS) {
    const count = reader.varbitUint(`${WHAT}: custom values`)
    if (count > MAX_BUCKETS) throw corrupt(`${WHAT}: custom values`, `be <= ${MAX_BUCKETS}`, count)
    for (let i = 0; i < count; i++) {
      const value = reader.varbitUint(`${WHAT}: custom value`)
      customValues.push(value === 0 ? float64(reader.bits(32), reader.bits(32)) : (value - 1) / 1000)
      reader.check(`${WHAT}: custom values`)
    }
  }
  reader.check(`${WHAT}: layout`)
  return { isFloat, resetHeader, schema, zeroThreshold, positive, negative, customValues }
}

function readSpans(reader: BitReader): readonly BucketSpan[] {
  const count = reader.varbitUint(`${WHAT}: spans`)
  const spans: BucketSpan[] = []
  for (let i = 0; i < count; i++) {
    const length = reader.varbitUint(`${WHAT}: length of a span`)
    if (length > MAX_BUCKETS) throw corrupt(`${WHAT}: length of a span`, `be <= ${MAX_BUCKETS}`, length)
    spans.push({ length, offset: reader.varbitInt(`${WHAT}: offset of a span`) })
    reader.check(`${WHAT}: spans`)
  }
  return spans
}

function emptyLayout(isFloat: boolean, resetHeader: number): HistogramLayout {
  return { isFloat, resetHeader, schema: 0, zeroThreshold: 0, positive: [], negative: [], customValues: [] }
}

function bucketsOf(spans: readonly BucketSpan[]): number {
  return spans.reduce((sum, { length }) => sum + length, 0)
}

/** False for a sample that only marks the series as stale. */
export function hasBuckets({ rows }: HistogramSamples, i: number): boolean {
  return (rows[i] as number) >= 0
}
