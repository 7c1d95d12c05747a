/** The samples of one series, of all its chunks, within a time: floats in columns, histograms by chunk and number. */
import { BlockgateError, ErrorCode } from '../contracts/errors.ts'
import { ChunkEncoding } from '../tsdb/chunk.ts'
import { decodeHistogram, type HistogramSamples } from '../tsdb/histogram.ts'
import { FloatSamples } from '../tsdb/samples.ts'
import { addXor } from '../tsdb/xor-fast.ts'
import { decodeXor2 } from '../tsdb/xor2.ts'
import type { BlockChunk } from './block-series.ts'
import { type Deleted, isDeleted } from './deleted.ts'

export interface HistogramAt {
  readonly of: HistogramSamples
  readonly i: number
  /** The one before it in the series is of another chunk: its own chunk does not tell whether a counter was reset between them. */
  readonly isBehindOther?: boolean | undefined
}

/** Filled again for each series: nothing is kept of the one before. */
export class SeriesSamples {
  readonly floats: FloatSamples
  readonly histograms: HistogramAt[] = []

  /** @param floats where the floats go: of `takeSamples`, where speed counts */
  constructor(floats: FloatSamples = new FloatSamples()) {
    this.floats = floats
  }

  /** @throws BlockgateError `corrupt-block`, or `unsupported` for an encoding that has no samples of its own */
  fill(chunks: readonly BlockChunk[], from: number, to: number): void {
    this.floats.length = 0
    this.histograms.length = 0
    let last = Number.NEGATIVE_INFINITY
    let overlap = false
    for (const each of chunks) {
      overlap ||= each.from <= last
      last = Math.max(last, each.to)
      this.#add(each, from, to)
    }
    if (!overlap) return
    sortFloats(this.floats)
    this.histograms.sort((a, b) => timeOf(a) - timeOf(b))
    distinct(this.histograms)
    leaveOut(this.histograms, this.floats)
    markSwitches(this.histograms)
  }

  #add({ chunk: { encoding, data }, deleted }: BlockChunk, from: number, to: number): void {
    const { floats } = this
    const start = floats.length
    switch (encoding) {
      case ChunkEncoding.xor:
        addXor(data, floats)
        break
      case ChunkEncoding.xor2:
        decodeXor2(data, floats)
        break
      case ChunkEncoding.histogram:
      case ChunkEncoding.floatHistogram:
      case ChunkEncoding.histogramStart:
      case ChunkEncoding.floatHistogramStart: {
        const isFloat = encoding === ChunkEncoding.floatHistogram || encoding === ChunkEncoding.floatHistogramStart
        const of = decodeHistogram(data, { isFloat, hasStarts: encoding >= ChunkEncoding.histogramStart })
        for (let i = 0; i < of.length; i++) {
          const time = of.times[i] as number
          if (time < from || time > to || (deleted && isDeleted(deleted, time, time))) continue
          this.histograms.push({ of, i })
        }
        break
      }
      default:
        throw new BlockgateError(ErrorCode.unsupported, `chunks of encoding ${encoding} cannot be read`)
    }
    trim(floats, start, from, to)
    if (deleted) remove(floats, start, deleted)
  }
}

export function timeOf({ of, i }: HistogramAt): number {
  return of.times[i] as number
}

/** Leaves out the samples from `start` on that are not within the time. */
function trim(floats: FloatSamples, start: number, from: number, to: number): void {
  const { times, halves, length } = floats
  if (start === length || ((times[start] as number) >= from && (times[length - 1] as number) <= to)) return
  let kept = start
  for (let i = start; i < length; i++) {
    const time = times[i] as number
    if (time < from || time > to) continue
    times[kept] = time
    halves[2 * kept] = halves[2 * i] as number
    halves[2 * kept + 1] = halves[2 * i + 1] as number
    kept++
  }
  floats.length = kept
}

/** Leaves out the samples from `start` on that are deleted. */
function remove(floats: FloatSamples, start: number, deleted: Deleted): void {
  const { times, halves, length } = floats
  let kept = start
  let next = 0
  for (let i = start; i < length; i++) {
    const time = times[i] as number
    while (next < deleted.length && (deleted[next] as Deleted[number]).to < time) next++
    if (next < deleted.length && (deleted[next] as Deleted[number]).from <= time) continue
    times[kept] = time
    halves[2 * kept] = halves[2 * i] as number
    halves[2 * kept + 1] = halves[2 * i + 1] as number
    kept++
  }
  floats.length = kept
}

/** By time, and of each time the first. */
function sortFloats(floats: FloatSamples): void {
  const { times, halves, length } = floats
  const order = Uint32Array.from({ length }, (_, i) => i).sort(
    (a, b) => (times[a] as number) - (times[b] as number) || a - b,
  )
  const [oldTimes, oldHalves] = [times.slice(0, length), halves.slice(0, 2 * length)]
  let kept = 0
  for (const i of order) {
    const time = oldTimes[i] as number
    if (kept > 0 && times[kept - 1] === time) continue
    times[kept] = time
    halves[2 * kept] = oldHalves[2 * i] as number
    halves[2 * kept + 1] = oldHalves[2 * i + 1] as number
    kept++
  }
  floats.length = kept
}

function distinct(histograms: HistogramAt[]): void {
  let kept = 0
  for (const each of histograms) {
    const before = histograms[kept - 1]
    if (kept === 0 || (before && timeOf(before) !== timeOf(each))) histograms[kept++] = each
  }
  histograms.length = kept
}

/** Of a time that has a float, too: a series has one sample at each time. */
function leaveOut(histograms: HistogramAt[], { times, length }: FloatSamples): void {
  if (length === 0 || histograms.length === 0) return
  let kept = 0
  let next = 0
  for (const each of histograms) {
    const time = timeOf(each)
    while (next < length && (times[next] as number) < time) next++
    if (next === length || times[next] !== time) histograms[kept++] = each
  }
  histograms.length = kept
}

function markSwitches(histograms: HistogramAt[]): void {
  for (let k = 1; k < histograms.length; k++) {
    const { of, i } = histograms[k] as HistogramAt
    if (of !== (histograms[k - 1] as HistogramAt).of) histograms[k] = { of, i, isBehindOther: true }
  }
}
