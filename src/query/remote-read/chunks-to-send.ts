/** The chunks of one series as they are streamed: as they are stored, or encoded anew where that would not do. */
import { BlockgateError, ErrorCode } from '../../contracts/errors.ts'
import { ChunkEncoding, StoredChunk } from '../../tsdb/chunk.ts'
import { CHUNK_SAMPLES, encodeXor } from '../../tsdb/xor-encode.ts'
import type { BlockChunk } from '../block.ts'
import { SeriesSamples } from '../samples.ts'

/**
 * Chunks that overlap, those that something was deleted of, and those of an encoding that older clients refuse are decoded and encoded
 * anew; all others are as they are stored. As in Prometheus, chunks of the result do not overlap.
 *
 * @param chunks by their first time
 * @throws BlockgateError `unsupported` for histograms that would have to be encoded anew
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
  if (samples.histograms.length > 0) {
    const text = 'histograms whose chunks overlap, or that have start timestamps, cannot be streamed: ask for samples'
    throw new BlockgateError(ErrorCode.unsupported, text)
  }
  const { floats } = samples
  for (let i = 0; i < floats.length; i += CHUNK_SAMPLES) {
    const end = Math.min(i + CHUNK_SAMPLES, floats.length)
    const [from = 0, to = 0] = [floats.times[i], floats.times[end - 1]]
    sent.push({ from, to, chunk: StoredChunk.of(ChunkEncoding.xor, encodeXor(floats, i, end)) })
  }
}
