/** `ReadResponse` of prompb: each series with its samples, decoded. */
import { type HistogramSamples, hasBuckets } from '../../tsdb/histogram.ts'
import type { Label } from '../labels.ts'
import { type HistogramAt, type SeriesSamples, timeOf } from '../samples.ts'
import { LabelBytes } from './label-bytes.ts'
import { ProtoWriter } from './proto-writer.ts'
import { uintSize } from './varint.ts'

/** Collects one `QueryResult`, a series after the other. */
export class QueryResultWriter {
  readonly #out: ProtoWriter
  readonly #labels = new LabelBytes()
  readonly #samples: ProtoWriter = new ProtoWriter()
  readonly #histogram: ProtoWriter = new ProtoWriter(4096)

  constructor(out: ProtoWriter = new ProtoWriter()) {
    this.#out = out
  }

  /** The message so far, where it has a writer of its own. */
  done(): Uint8Array<ArrayBuffer> {
    return this.#out.done()
  }

  /** A series; as in Prometheus, also one whose chunks are of the time and have no sample in it. */
  series(labels: readonly Label[], samples: SeriesSamples): void {
    const { floats, histograms } = samples
    this.#labels.set(labels)
    const encodedHistograms = histograms.map(each => this.#encode(each))
    const samplesOf = this.#samples
    samplesOf.length = 0
    samplesOf.samples(18, floats)
    const size =
      this.#labels.length +
      samplesOf.length +
      encodedHistograms.reduce((sum, { length }) => sum + 1 + uintSize(length) + length, 0)
    const out = this.#out
    out.uint(10)
    out.uint(size)
    out.reserve(this.#labels.length)
    out.length = this.#labels.put(out.view, out.length)
    out.raw(samplesOf.done())
    for (const bytes of encodedHistograms) out.bytesField(34, bytes)
  }

  #encode(at: HistogramAt): Uint8Array {
    this.#histogram.length = 0
    writeHistogram(this.#histogram, at)
    return this.#histogram.done().slice()
  }
}

/** What a reader may conclude about a reset before a histogram: nothing of a chunk's first one. */
const Reset = { unknown: 0, no: 2, gauge: 3 } as const

function writeHistogram(out: ProtoWriter, { of, i, isBehindOther }: HistogramAt): void {
  const { layout, sums } = of
  const halves = new Uint32Array(sums.buffer, sums.byteOffset)
  const double = (tag: number, value: number) => {
    if (Object.is(value, 0)) return
    out.uint(tag)
    doubleOf(out, value)
  }
  // One that only marks the series as stale has neither layout nor counts: the chunk has no change of these.
  const isWhole = hasBuckets(of, i)
  const count = (floatTag: number, tag: number, value: number) => {
    out.uint(layout.isFloat ? floatTag : tag)
    if (layout.isFloat) doubleOf(out, isWhole ? value : 0)
    else out.int(isWhole ? value : 0)
  }
  count(17, 8, of.counts[i] as number)
  const [low, high] = [halves[2 * i] as number, halves[2 * i + 1] as number]
  if (low !== 0 || high !== 0) {
    out.uint(25)
    out.double(high, low)
  }
  if (isWhole) {
    if (layout.schema !== 0) {
      out.uint(32)
      out.uint(zigzag(layout.schema))
    }
    double(41, layout.zeroThreshold)
  }
  count(57, 48, of.zeroCounts[i] as number)
  if (isWhole) writeBuckets(out, of, i)
  const hint = layout.resetHeader === 3 ? Reset.gauge : i > 0 && !isBehindOther ? Reset.no : Reset.unknown
  if (hint !== Reset.unknown) {
    out.uint(112)
    out.uint(hint)
  }
  const time = timeOf({ of, i })
  if (time !== 0) {
    out.uint(120)
    out.int(time)
  }
  if (isWhole && layout.customValues.length > 0) {
    out.uint(130)
    out.uint(8 * layout.customValues.length)
    for (const value of layout.customValues) doubleOf(out, value)
  }
}

function writeBuckets(out: ProtoWriter, of: HistogramSamples, i: number): void {
  const { layout, width, rows, buckets } = of
  const start = (rows[i] as number) * width
  const positive = layout.positive.reduce((sum, { length }) => sum + length, 0)
  const row = buckets.subarray(start, start + width)
  const sides = [
    { spans: layout.negative, values: row.subarray(positive), spanTag: 66, deltaTag: 74, countTag: 82 },
    { spans: layout.positive, values: row.subarray(0, positive), spanTag: 90, deltaTag: 98, countTag: 106 },
  ]
  for (const { spans, values, spanTag, deltaTag, countTag } of sides) {
    for (const { offset, length } of spans) {
      out.uint(spanTag)
      out.uint((offset === 0 ? 0 : 1 + uintSize(zigzag(offset))) + (length === 0 ? 0 : 1 + uintSize(length)))
      if (offset !== 0) {
        out.uint(8)
        out.uint(zigzag(offset))
      }
      if (length !== 0) {
        out.uint(16)
        out.uint(length)
      }
    }
    if (values.length === 0) continue
    if (layout.isFloat) {
      out.uint(countTag)
      out.uint(8 * values.length)
      for (const value of values) doubleOf(out, value)
    } else {
      out.uint(deltaTag)
      out.uint(values.reduce((sum, value) => sum + uintSize(zigzag(value)), 0))
      for (const value of values) out.uint(zigzag(value))
    }
  }
}

function zigzag(value: number): number {
  return value >= 0 ? 2 * value : -2 * value - 1
}

const double = new Float64Array(1)
const doubleHalves = new Uint32Array(double.buffer)
function doubleOf(out: ProtoWriter, value: number): void {
  double[0] = value
  out.double(doubleHalves[1] as number, doubleHalves[0] as number)
}
