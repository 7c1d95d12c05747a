/** Blocks in memory for a querier. */
import { BlockgateError, type BlockReader, type BlockSink, type LoadedBlock } from 'blockgate'
import { blockMeta, testId } from 'blockgate/testing'
import { FloatSamples } from 'blockgate/tsdb'
import { encodeXor } from '../../src/tsdb/xor-encode.ts'
import { blockFiles } from '../support/block-files.ts'
import { compare } from '../support/index-file.ts'

export interface Given {
  readonly labels?: Readonly<Record<string, string>>
  readonly from?: number
  readonly resolution?: number
  /** Numbers of the blocks that it was compacted from. Default: its own, which counts from 1. */
  readonly sources?: readonly number[]
  /** Of each series its labels, and its samples as [time, value]. */
  readonly series: readonly (readonly [
    labels: Readonly<Record<string, string>>,
    samples: readonly (readonly [number, number])[],
  ])[]
}

/** A sink of blocks in memory; `open` counts the readers that are open. */
export function sinkOf(...blocks: readonly Given[]) {
  return sinkOfFiles(blocks.map(blockOf))
}

/** One chunk a series. */
export function blockOf({ labels = {}, from = 0, resolution = 0, sources, series }: Given): BlockOfFiles {
  return {
    meta: {
      labels,
      minTime: from,
      maxTime: from + 7_200_000,
      resolution,
      ...(sources && { compaction: { level: 2, sources: sources.map(n => testId(n)) } }),
    },
    files: blockFiles({
      series: series.map(([pairs, samples]) => ({
        labels: Object.entries(pairs).sort(([a], [b]) => compare(a, b)),
        chunks: [{ from: samples[0]?.[0] ?? 0, to: samples.at(-1)?.[0] ?? 0, encoding: 1, data: xorOf(samples) }],
      })),
    }),
  }
}

export interface SinkState {
  /** Readers that are open. */
  open: number
  /** Reads that were made. */
  reads: number
  /** A file that cannot be read. */
  failing: string | undefined
  /** One of which other bytes come. */
  damaged: string | undefined
  /** Awaited before each read. */
  before: ((id: string, file: string, signal: AbortSignal) => void | Promise<void>) | undefined
}

export interface BlockOfFiles {
  /** Its id and the sizes of its files are made. */
  readonly meta: Parameters<typeof blockMeta>[0]
  readonly files: Map<string, Uint8Array>
}

/**
 * A sink of the files of blocks: `open` counts the readers that are open, a file named `failing` cannot be read,
 * and of one named `damaged` other bytes come.
 *
 * @param options.kind `headers`: as of a sink that keeps index-headers and reads all else from the bucket; else one of whole blocks
 * @param options.turns of each block, for how many turns of the queue of microtasks a read takes
 */
export function sinkOfFiles(
  blocks: readonly BlockOfFiles[],
  options: { readonly kind?: 'whole' | 'headers'; readonly turns?: readonly number[] } = {},
) {
  const { kind = 'whole', turns = [] } = options
  const loaded = new Map<string, LoadedBlock>()
  const files = new Map<string, Map<string, Uint8Array>>()
  const state: SinkState = { open: 0, reads: 0, failing: undefined, damaged: undefined, before: undefined }
  for (const [i, block] of blocks.entries()) {
    const ulid = testId(i + 1)
    files.set(ulid, block.files)
    const sizes = [...block.files].map(([path, bytes]) => ({ path, size: bytes.length }))
    const meta = blockMeta({ files: sizes.filter(({ path }) => path !== 'index-header'), ...block.meta, ulid })
    loaded.set(ulid, { meta, bytes: 1, fence: undefined })
  }
  const read = (id: string, file: string, offset: number, length: number) => {
    state.reads++
    if (file === state.failing) throw new Error('the disk is gone')
    const bytes = files.get(id)?.get(file)
    if (!bytes || offset < 0 || length < 0 || offset + length > bytes.length) {
      throw new BlockgateError('corrupt-block', `${file} must have ${length} bytes at ${offset}`)
    }
    const read = bytes.slice(offset, offset + length)
    return file === state.damaged ? read.fill(0x55, Math.floor(length / 2)) : read
  }
  const sink = {
    loaded: () => loaded,
    open(id: string): BlockReader | undefined {
      const meta = loaded.get(id)?.meta
      if (!meta) return undefined
      state.open++
      const headerBytes = kind === 'headers' ? files.get(id)?.get('index-header')?.length : undefined
      return {
        meta,
        headerBytes,
        isRemote: kind === 'headers',
        files: {
          async read(file, offset, length, signal) {
            await state.before?.(id, file, signal)
            for (let left = turns[[...loaded.keys()].indexOf(id)] ?? 0; left > 0; left--) await undefined
            return read(id, file, offset, length)
          },
        },
        [Symbol.dispose]: () => void state.open--,
      }
    },
  } as unknown as Pick<BlockSink, 'loaded' | 'open'>
  return { sink, state, files }
}

export function xorOf(samples: readonly (readonly [number, number])[]): Uint8Array {
  const columns = new FloatSamples()
  columns.reserve(samples.length)
  samples.forEach(([time, value], i) => {
    columns.times[i] = time
    columns.values[i] = value
  })
  return encodeXor(columns, 0, samples.length)
}
