/** The chunks of one series as they are streamed: as they are stored, or encoded anew where that would not do. */
import { ChunkEncoding, StoredChunk } from '../../tsdb/chunk.ts'
import { encodeHistograms, goesOn } from '../../tsdb/histogram-encode.ts'
import { CHUNK_SAMPLES, encodeXor } from '../../tsdb/xor-encode.ts'
import type { BlockChunk } from '../block-series.ts'
import { type HistogramAt, SeriesSamples, timeOf } from '../samples.ts'

/**
 * Chunks that overlap, those that something was deleted of, and those of an encoding that older clients refuse are decoded and encoded
 * anew; all others are as they are stored. As in Prometheus, chunks of the result do not overlap.
 *
 * @param chunks by their first time
 * @throws BlockgateError `corrupt-block`, or `unsupported` for an encoding that has no samples of its own
 */
export function chunksToSend(chunks: readonly BlockChunk[]): readonly BlockChunk[] {
  if (areAsSent(chunks)) return chunks
  const sent: BlockChunk[] = []
  for (let end = 0; end < chunks.length; ) {
    const start = end
    const first = chunks[end++] as BlockChunk
    let last = first.to
    while (end < chunks.length && (chunks[end] as BlockChunk).from <= last)
      last = Math.max(last, (chunks[end++] as BlockChunk).to)
    if (end === start + 1 && isAsSent(first)) sent.push(first)
    else encodeAnew(chunks.slice(start, end), sent)
  }
  return sent
}

function areAsSent(chunks: readonly BlockChunk[]): boolean {
  let last = Number.NEGATIVE_INFINITY
  for (let i = 0; i < chunks.length; i++) {
    const chunk = chunks[i] as BlockChunk
    if (chunk.from <= last || !isAsSent(chunk)) return false
    last = chunk.to
  }
  return true
}

function isAsSent({ chunk, deleted }: BlockChunk): boolean {
  return chunk.encoding <= ChunkEncoding.floatHistogram && deleted === undefined
}

function encodeAnew(chunks: readonly BlockChunk[], sent: BlockChunk[]): void {
  const samples = new SeriesSamples()
  samples.fill(chunks, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)
  const { floats, histograms } = samples
  const put = (from: number, to: number, encoding: number, data: Uint8Array) =>
    sent.push({ from, to, chunk: StoredChunk.of(encoding, data) })
  let [float, histogram] = [0, 0]
  while (float < floats.length || histogram < histograms.length) {
    const nextFloat = float < floats.length ? (floats.times[float] as number) : Number.POSITIVE_INFINITY
    const nextHistogram =
      histogram < histograms.length ? timeOf(histograms[histogram] as HistogramAt) : Number.POSITIVE_INFINITY
    if (nextFloat < nextHistogram) {
      const start = float
      while (isWithin(floats.length, start, float) && (floats.times[float] as number) < nextHistogram) float++
      put(nextFloat, floats.times[float - 1] as number, ChunkEncoding.xor, encodeXor(floats, start, float))
    } else {
      const start = histogram++
      while (isWithin(histograms.length, start, histogram)) {
        const next = histograms[histogram] as HistogramAt
        if (timeOf(next) > nextFloat || !goesOn(histograms[histogram - 1] as HistogramAt, next)) break
        histogram++
      }
      const { of } = histograms[start] as HistogramAt
      const encoding = of.layout.isFloat ? ChunkEncoding.floatHistogram : ChunkEncoding.histogram
      const last = timeOf(histograms[histogram - 1] as HistogramAt)
      put(nextHistogram, last, encoding, encodeHistograms(histograms.slice(start, histogram)))
    }
  }
}

/** Whether there is one at `at`, and the chunk that begins with `start` has room for it. */
function isWithin(length: number, start: number, at: number): boolean {
  return at < length && at < start + CHUNK_SAMPLES
}
