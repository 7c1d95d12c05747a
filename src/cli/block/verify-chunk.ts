/** Decodes a chunk, and checks its times against its series entry. */
import { BlockgateError, ErrorCode } from '../../contracts/errors.ts'
import { corrupt } from '../../tsdb/binary.ts'
import { ChunkEncoding, type RawChunk, readAggregates } from '../../tsdb/chunk.ts'
import { decodeHistogram } from '../../tsdb/histogram.ts'
import { FloatSamples } from '../../tsdb/samples.ts'
import { decodeXor } from '../../tsdb/xor.ts'
import { decodeXor2 } from '../../tsdb/xor2.ts'
import { encodingName } from './chunk-stats.ts'

export interface ChunkTimes {
  readonly from: number
  readonly to: number
}

/** Filled again for each chunk. */
const floats = new FloatSamples()

/**
 * @param times what the series entry says, both inclusive, ms; left out for the chunks within one of aggregates
 * @throws BlockgateError `corrupt-block`, or `unsupported` for an encoding that nobody knows; `what` names the chunk
 */
export function verifyChunk(
  { encoding, data }: Pick<RawChunk, 'encoding' | 'data'>,
  what: string,
  times?: ChunkTimes,
): void {
  if (encoding === ChunkEncoding.aggregates) {
    for (const part of Object.values(readAggregates(data))) if (part) verifyChunk(part as RawChunk, what)
    return
  }
  const decoded = timesOf(encoding, data, what)
  for (let i = 1; i < decoded.length; i++) {
    const [before, time] = [decoded[i - 1] as number, decoded[i] as number]
    // Thanos writes the last value of a counter once more at the same time.
    if (time < before || (time === before && times))
      throw corrupt(`${what}: time of sample ${i}`, `be > ${before}`, time)
  }
  if (!times) return
  if (decoded.length === 0) throw corrupt(`${what}: samples`, 'be >= 1', 0)
  const [from, to] = [decoded[0] as number, decoded.at(-1) as number]
  if (from !== times.from) throw corrupt(`${what}: first time`, `be ${times.from}, as the series says`, from)
  if (to !== times.to) throw corrupt(`${what}: last time`, `be ${times.to}, as the series says`, to)
}

function timesOf(encoding: number, data: Uint8Array, what: string): Float64Array {
  floats.length = 0
  switch (encoding) {
    case ChunkEncoding.xor:
      decodeXor(data, floats)
      return floats.times.subarray(0, floats.length)
    case ChunkEncoding.xor2:
      decodeXor2(data, floats)
      return floats.times.subarray(0, floats.length)
    case ChunkEncoding.histogram:
    case ChunkEncoding.floatHistogram:
    case ChunkEncoding.histogramStart:
    case ChunkEncoding.floatHistogramStart: {
      const isFloat = encoding === ChunkEncoding.floatHistogram || encoding === ChunkEncoding.floatHistogramStart
      return decodeHistogram(data, { isFloat, hasStarts: encoding >= ChunkEncoding.histogramStart }).times
    }
    default:
      throw new BlockgateError(
        ErrorCode.unsupported,
        `${what}: encoding must be one that is known: current value is ${encodingName(encoding)}`,
      )
  }
}
