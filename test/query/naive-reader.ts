/** What a query must answer, told by going over all series there are: no index, no postings, no chunk is decoded. */
import { type BucketSpan, type HistogramSamples, hasBuckets } from '../../src/tsdb/histogram.ts'
import { compareLabels } from '../support/block-files.ts'
import { type HistogramSample, type HistogramShape, STALE } from '../support/chunk-encoder.ts'
import { compare } from '../support/index-file.ts'
import type { Stone } from '../support/tombstones-file.ts'
import type { AnyBlock, AnyChunk, AnyQuery, AnySeries } from './any-block.ts'

type Labels = readonly (readonly [name: string, value: string])[]

/** Samples as texts: they are compared, and shown. */
export interface ReadSeries {
  readonly labels: Labels
  readonly floats: readonly string[]
  readonly histograms: readonly string[]
}

/** The series of a query, with their samples. */
export function naiveSeries(blocks: readonly AnyBlock[], query: AnyQuery): readonly ReadSeries[] {
  const { matchers, from, to } = query
  if (matchers.length === 0) return []
  const found = new Map<string, { labels: Labels; chunks: { of: AnyChunk; deleted: readonly Stone[] }[] }>()
  for (const block of blocksOf(blocks, query)) {
    // As the index has them: external labels may make one of two.
    for (const series of [...block.series].sort((a, b) => compareLabels(a.labels, b.labels))) {
      const labels = labelsOf(block, series.labels)
      const chunks = series.chunks
        .filter(chunk => chunk.from <= to && chunk.to >= from && !isDeleted(series, chunk))
        .map(of => ({ of, deleted: series.deleted }))
      if (chunks.length === 0 || !matchers.every(each => matches(each, labels))) continue
      const key = JSON.stringify(labels)
      const known = found.get(key) ?? { labels, chunks: [] }
      known.chunks.push(...chunks)
      found.set(key, known)
    }
  }
  return [...found.values()]
    .sort((a, b) => compareLabels(a.labels, b.labels))
    .map(({ labels, chunks }) => {
      // Of samples at one time the one whose chunk comes first.
      const sorted = [...chunks].sort((a, b) => a.of.from - b.of.from || a.of.to - b.of.to)
      const [floats, histograms] = [new Map<number, string>(), new Map<number, string>()]
      for (const { of: chunk, deleted } of sorted) {
        const put = (into: Map<number, string>, time: number, text: string) => {
          if (time < from || time > to || into.has(time)) return
          if (!deleted.some(stone => stone.from <= time && time <= stone.to)) into.set(time, text)
        }
        if ('floats' in chunk) {
          for (const { time, value } of chunk.floats) put(floats, Number(time), floatText(time, value))
        } else {
          for (const [i, sample] of chunk.histograms.entries())
            put(histograms, Number(sample.time), givenHistogramText(chunk.shape, sample, i))
        }
      }
      // A series has one sample at each time.
      for (const time of floats.keys()) histograms.delete(time)
      return { labels, floats: inOrder(floats), histograms: inOrder(histograms) }
    })
}

/** The label pairs of the series that a query selects, whatever time they have samples at; without a matcher, of all blocks. */
export function naivePairs(blocks: readonly AnyBlock[], query: AnyQuery): Labels {
  return blocksOf(blocks, query).flatMap(block => {
    const all = block.series.map(series => ({
      labels: labelsOf(block, series.labels),
      chunks: series.chunks.filter(chunk => !isDeleted(series, chunk)),
    }))
    if (query.matchers.length === 0) return [...all.flatMap(({ labels }) => labels), ...labelsOf(block, [])]
    // A series without a chunk is none, and one of which all chunks are deleted; no block of Prometheus has one.
    return all
      .filter(({ labels, chunks }) => chunks.length > 0 && query.matchers.every(each => matches(each, labels)))
      .flatMap(({ labels }) => labels)
  })
}

/** Whether no millisecond of the chunk is left. */
function isDeleted({ deleted }: AnySeries, { from, to }: AnyChunk): boolean {
  let at = from
  for (const stone of [...deleted].sort((a, b) => a.from - b.from))
    if (stone.from <= at) at = Math.max(at, stone.to + 1)
  return at > to
}

export function sortedTexts(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].sort(compare)
}

function blocksOf(blocks: readonly AnyBlock[], { from, to }: AnyQuery): readonly AnyBlock[] {
  return blocks.filter(block => block.from <= to && from < block.end)
}

/** The block's win. */
function labelsOf({ external }: AnyBlock, own: Labels): Labels {
  const all = new Map([...own, ...Object.entries(external).filter(([, value]) => value !== '')])
  return [...all].sort(([a], [b]) => compare(a, b))
}

function matches({ type, name, value }: AnyQuery['matchers'][number], labels: Labels): boolean {
  const own = labels.find(([each]) => each === name)?.[1] ?? ''
  const isEqual = type.includes('~') ? new RegExp(`^(?:${value})$`, 'u').test(own) : own === value
  return type.startsWith('!') ? !isEqual : isEqual
}

function inOrder(samples: ReadonlyMap<number, string>): readonly string[] {
  return [...samples].sort(([a], [b]) => a - b).map(([, text]) => text)
}

export function floatText(time: bigint | number, bits: bigint): string {
  return `${time} ${bits.toString(16)}`
}

/** A histogram in words; each number of it is a float, or an integer. */
export interface HistogramText {
  readonly time: bigint | number
  readonly sum: bigint
  readonly count: number
  readonly zeroCount: number
  readonly schema: number
  readonly zeroThreshold: number
  readonly positive: readonly BucketSpan[]
  readonly negative: readonly BucketSpan[]
  readonly positiveBuckets: readonly number[]
  readonly negativeBuckets: readonly number[]
  readonly customValues: readonly number[]
  readonly isFloat: boolean
}

export function histogramText({ time, sum, ...rest }: HistogramText): string {
  if (sum === STALE) return `${time} ${rest.isFloat} stale`
  const spans = (list: readonly BucketSpan[]) => list.map(({ offset, length }) => `${offset}+${length}`).join()
  const { positive, negative, positiveBuckets, negativeBuckets, customValues, ...numbers } = rest
  const values = Object.entries(numbers)
    .sort(([a], [b]) => compare(a, b))
    .map(([name, value]) => `${name}=${value}`)
  return [
    `${time} sum=${sum.toString(16)}`,
    ...values,
    `+[${spans(positive)}: ${positiveBuckets.join()}]`,
    `-[${spans(negative)}: ${negativeBuckets.join()}]`,
    `custom=[${customValues.join()}]`,
  ].join(' ')
}

function givenHistogramText(shape: HistogramShape, sample: HistogramSample, i: number): string {
  const { isFloat, schema, positive, negative } = shape
  const isStale = sample.sum === STALE && i > 0
  const number = (value: bigint) => (isFloat ? floatOf(value) : Number(value))
  const buckets = isStale ? [] : sample.buckets.map(number)
  const width = positive.reduce((sum, { length }) => sum + length, 0)
  return histogramText({
    ...{ isFloat, schema, positive, negative, time: sample.time, sum: sample.sum },
    count: number(sample.count),
    zeroCount: number(sample.zeroCount),
    zeroThreshold: shape.zeroThreshold === 0 ? 0 : 2 ** (shape.zeroThreshold - 244),
    positiveBuckets: buckets.slice(0, width),
    negativeBuckets: buckets.slice(width),
    customValues: shape.customValues.map(value => value / 1000),
  })
}

/** Of a decoded chunk. */
export function decodedHistogramText(of: HistogramSamples, i: number): string {
  const { layout, width } = of
  const start = Math.max(0, of.rows[i] ?? 0) * width
  const row = hasBuckets(of, i) ? [...of.buckets.subarray(start, start + width)] : []
  const { isFloat, schema, zeroThreshold, positive, negative, customValues } = layout
  const split = positive.reduce((sum, { length }) => sum + length, 0)
  return histogramText({
    ...{ isFloat, schema, zeroThreshold, positive, negative, customValues },
    time: of.times[i] ?? 0,
    sum: new DataView(of.sums.buffer, of.sums.byteOffset).getBigUint64(8 * i, true),
    count: of.counts[i] ?? 0,
    zeroCount: of.zeroCounts[i] ?? 0,
    positiveBuckets: row.slice(0, split),
    negativeBuckets: row.slice(split),
  })
}

function floatOf(bits: bigint): number {
  const view = new DataView(new ArrayBuffer(8))
  view.setBigUint64(0, bits)
  return view.getFloat64(0)
}
