/** Counts the chunks of a block: their encodings, and how many samples are in each. */
import { ChunkEncoding, type RawChunk, readAggregates } from '../../tsdb/chunk.ts'

export interface ChunkReport {
  readonly chunks: number
  readonly samples: number
  readonly encodings: readonly {
    readonly encoding: string
    readonly chunks: number
    readonly samples: number
    /** Of the data alone. */
    readonly bytes: number
  }[]
  /** How many chunks have so many samples; both ends are inclusive. */
  readonly samplesPerChunk: readonly { readonly from: number; readonly to: number; readonly chunks: number }[]
}

const NAMES: Readonly<Record<number, string>> = {
  [ChunkEncoding.xor]: 'XOR',
  [ChunkEncoding.histogram]: 'histogram',
  [ChunkEncoding.floatHistogram]: 'float histogram',
  [ChunkEncoding.xor2]: 'XOR2',
  [ChunkEncoding.histogramStart]: 'histogram with start timestamps',
  [ChunkEncoding.floatHistogramStart]: 'float histogram with start timestamps',
  [ChunkEncoding.aggregates]: 'aggregates',
}
/** A chunk that Prometheus filled has 120 samples. */
const STEPS = [12, 24, 36, 48, 60, 72, 84, 96, 108, 120, 240, 1000, 65_535] as const

export class ChunkStats {
  readonly #encodings = new Map<number, { chunks: number; samples: number; bytes: number }>()
  readonly #steps = new Float64Array(STEPS.length)

  /** Of a chunk of aggregates, the samples of its counts. */
  add({ encoding, data }: Pick<RawChunk, 'encoding' | 'data'>): void {
    const samples = samplesOf(encoding, data)
    const known = this.#encodings.get(encoding) ?? { chunks: 0, samples: 0, bytes: 0 }
    known.chunks++
    known.samples += samples
    known.bytes += data.length
    this.#encodings.set(encoding, known)
    const step = STEPS.findIndex(upTo => samples <= upTo)
    this.#steps[step] = (this.#steps[step] as number) + 1
  }

  report(): ChunkReport {
    const encodings = [...this.#encodings].sort(([a], [b]) => a - b)
    const list = encodings.map(([encoding, stats]) => ({ encoding: encodingName(encoding), ...stats }))
    return {
      chunks: list.reduce((sum, { chunks }) => sum + chunks, 0),
      samples: list.reduce((sum, { samples }) => sum + samples, 0),
      encodings: list,
      samplesPerChunk: STEPS.map((to, i) => ({
        from: i === 0 ? 0 : (STEPS[i - 1] as number) + 1,
        to,
        chunks: this.#steps[i] as number,
      })).filter(step => step.chunks > 0),
    }
  }
}

export function encodingName(encoding: number): string {
  return NAMES[encoding] ?? `unknown (${encoding})`
}

/** As the first bytes of its data say. @throws BlockgateError `corrupt-block` for aggregates that cannot be split */
function samplesOf(encoding: number, data: Uint8Array): number {
  if (encoding === ChunkEncoding.aggregates) {
    const { count, sum, counter } = readAggregates(data)
    const first = count ?? sum ?? counter
    return first ? samplesOf(first.encoding, first.data) : 0
  }
  const number = ((data[0] ?? 0) << 8) | (data[1] ?? 0)
  // With start timestamps, two bits for resets stand before it.
  return encoding >= ChunkEncoding.histogramStart ? number & 0x3fff : number
}
