/** Encodes native histograms as chunks of encodings 2 and 3: for those that were merged, or of which some were deleted. */
import { BitWriter, XorWriter } from './bit-writer.ts'
import { type BucketSpan, type HistogramLayout, type HistogramSamples, hasBuckets } from './histogram.ts'

/** One histogram of a chunk that was decoded. */
export interface EncodedFrom {
  readonly of: HistogramSamples
  readonly i: number
}

const CUSTOM_BUCKETS = -53
const GAUGE = 3
/** The largest upper bound, in thousandths, that is not written as a float. */
const MAX_THOUSANDTHS = 33_554_430

/**
 * Whether `next` may stand behind `before` in one chunk: all histograms of a chunk have one layout, no counter is reset within it, and
 * behind a stale marker stand only others.
 */
export function goesOn(before: EncodedFrom, next: EncodedFrom): boolean {
  if (before.of.layout.isFloat !== next.of.layout.isFloat) return false
  if (!hasBuckets(next.of, next.i)) return true
  if (!hasBuckets(before.of, before.i)) return false
  return isSame(before.of.layout, next.of.layout) && (next.of.layout.resetHeader === GAUGE || !isReset(before, next))
}

function isSame(a: HistogramLayout, b: HistogramLayout): boolean {
  if (a === b) return true
  return (
    a.schema === b.schema &&
    a.zeroThreshold === b.zeroThreshold &&
    (a.resetHeader === GAUGE) === (b.resetHeader === GAUGE) &&
    areSame(a.positive, b.positive) &&
    areSame(a.negative, b.negative) &&
    a.customValues.length === b.customValues.length &&
    a.customValues.every((value, i) => value === b.customValues[i])
  )
}

function areSame(a: readonly BucketSpan[], b: readonly BucketSpan[]): boolean {
  return a.length === b.length && a.every(({ offset, length }, i) => offset === b[i]?.offset && length === b[i]?.length)
}

/** Whether any count is smaller than before. */
function isReset(before: EncodedFrom, next: EncodedFrom): boolean {
  if (before.of === next.of) return false
  const at = ({ of, i }: EncodedFrom, bucket: number) =>
    of.buckets[(of.rows[i] as number) * of.width + bucket] as number
  const counts = ({ of, i }: EncodedFrom) => [of.counts[i] as number, of.zeroCounts[i] as number]
  if (counts(before).some((count, i) => count > (counts(next)[i] as number))) return true
  const { isFloat, positive } = next.of.layout
  const split = positive.reduce((sum, { length }) => sum + length, 0)
  let [a, b] = [0, 0]
  for (let bucket = 0; bucket < next.of.width; bucket++) {
    // Integers are differences, of each sign apart.
    const anew = isFloat || bucket === split
    a = (anew ? 0 : a) + at(before, bucket)
    b = (anew ? 0 : b) + at(next, bucket)
    if (a > b) return true
  }
  return false
}

/** The data of a chunk with `samples`, one at least, each of which goes on from the one before it; their times ascend. */
export function encodeHistograms(samples: readonly EncodedFrom[]): Uint8Array {
  const [first] = samples
  const out = new BitWriter()
  out.bits(samples.length, 16)
  if (!first) return out.done()
  const { layout } = first.of
  // Nothing is known of a reset before a chunk that was none.
  out.bits(layout.resetHeader === GAUGE ? GAUGE : 0, 2)
  out.bits(0, 6)
  writeLayout(out, hasBuckets(first.of, first.i) ? layout : EMPTY)
  const numbers = layout.isFloat ? new FloatNumbers(out) : new IntegerNumbers(out)
  const sum = new XorWriter()
  let time = 0
  let delta = 0
  for (const [k, { of, i }] of samples.entries()) {
    const next = of.times[i] as number
    out.varbitInt(k === 0 ? next : next - time - delta)
    if (k > 0) delta = next - time
    time = next
    const isWhole = hasBuckets(of, i)
    numbers.put(0, isWhole ? (of.counts[i] as number) : 0, k === 0, isWhole)
    numbers.put(1, isWhole ? (of.zeroCounts[i] as number) : 0, k === 0, isWhole)
    const halves = new Uint32Array(of.sums.buffer, of.sums.byteOffset + 8 * i, 2)
    sum[k === 0 ? 'first' : 'next'](out, halves[1] as number, halves[0] as number)
    if (!isWhole) continue
    const row = (of.rows[i] as number) * of.width
    for (let j = 0; j < of.width; j++) numbers.put(j + 2, of.buckets[row + j] as number, k === 0, true)
  }
  return out.done()
}

/** Of a stale marker that begins a chunk. */
const EMPTY = { schema: 0, zeroThreshold: 0, positive: [], negative: [], customValues: [] }

function writeLayout(out: BitWriter, layout: Omit<HistogramLayout, 'isFloat' | 'resetHeader'>): void {
  writeThreshold(out, layout.zeroThreshold)
  out.varbitInt(layout.schema)
  for (const spans of [layout.positive, layout.negative]) {
    out.varbitUint(spans.length)
    for (const { length, offset } of spans) {
      out.varbitUint(length)
      out.varbitInt(offset)
    }
  }
  if (layout.schema !== CUSTOM_BUCKETS) return
  out.varbitUint(layout.customValues.length)
  for (const value of layout.customValues) {
    const thousandths = Math.round(value * 1000)
    const isExact = thousandths / 1000 === value && thousandths >= 0 && thousandths <= MAX_THOUSANDTHS
    if (isExact) out.varbitUint(thousandths + 1)
    else {
      out.bits(0, 1)
      writeFloat(out, value)
    }
  }
}

/** Zero, and powers of two from 2^-243 to 2^10, are a byte. */
function writeThreshold(out: BitWriter, value: number): void {
  const exponent = Math.round(Math.log2(value))
  if (value === 0) out.bits(0, 8)
  else if (2 ** exponent === value && exponent >= -243 && exponent <= 10) out.bits(exponent + 244, 8)
  else {
    out.bits(255, 8)
    writeFloat(out, value)
  }
}

const float = new Float64Array(1)
const floatHalves = new Uint32Array(float.buffer)

function writeFloat(out: BitWriter, value: number): void {
  float[0] = value
  out.bits(floatHalves[1] as number, 32)
  out.bits(floatHalves[0] as number, 32)
}

/** Count, zero count and buckets as integers: the first as it is, the others as changes of the change. */
class IntegerNumbers {
  readonly #out: BitWriter
  readonly #values: number[] = []
  readonly #deltas: number[] = []

  constructor(out: BitWriter) {
    this.#out = out
  }

  put(at: number, value: number, isFirst: boolean, isWhole: boolean): void {
    if (isFirst) {
      if (at < 2) this.#out.varbitUint(value)
      else this.#out.varbitInt(value)
    } else {
      const delta = value - (this.#values[at] as number)
      this.#out.varbitInt(isWhole ? delta - (this.#deltas[at] ?? 0) : 0)
      this.#deltas[at] = delta
    }
    this.#values[at] = value
  }
}

/** The same as floats, each XORed with the one before it. */
class FloatNumbers {
  readonly #out: BitWriter
  readonly #writers: XorWriter[] = []

  constructor(out: BitWriter) {
    this.#out = out
  }

  put(at: number, value: number): void {
    float[0] = value
    const [low = 0, high = 0] = floatHalves
    const known = this.#writers[at]
    if (known) known.next(this.#out, high, low)
    else {
      const writer = new XorWriter()
      this.#writers[at] = writer
      writer.first(this.#out, high, low)
    }
  }
}
