/** Blocks in memory for a querier. */
import type { BlockReader, BlockSink, LoadedBlock } from 'blockgate'
import { blockMeta, testId } from 'blockgate/testing'
import { FloatSamples } from 'blockgate/tsdb'
import { crc32c } from '../../src/tsdb/crc32c.ts'
import { encodeXor } from '../../src/tsdb/xor-encode.ts'
import { type IndexedChunk, indexFile } from '../support/index-file.ts'

export interface Given {
  readonly labels?: Readonly<Record<string, string>>
  readonly from?: number
  readonly resolution?: number
  /** Of each series its labels, and its samples as [time, value]. */
  readonly series: readonly (readonly [
    labels: Readonly<Record<string, string>>,
    samples: readonly (readonly [number, number])[],
  ])[]
}

/** A sink of blocks in memory; `open` counts the readers that are open. */
export function sinkOf(...blocks: readonly Given[]) {
  const loaded = new Map<string, LoadedBlock>()
  const files = new Map<string, Map<string, Uint8Array>>()
  const state = { open: 0, reads: 0, failing: undefined as string | undefined }
  blocks.forEach(({ labels = {}, from = 0, resolution = 0, series }, i) => {
    const ulid = testId(i + 1)
    const chunks: number[] = [0x85, 0xbd, 0x40, 0xdd, 1, 0, 0, 0]
    const indexed = series.map(([pairs, samples]) => {
      const offset = chunks.length
      const body = Uint8Array.of(1, ...xorOf(samples))
      const crc = crc32c(body)
      chunks.push(...varint(body.length - 1), ...body, crc >>> 24, (crc >>> 16) & 255, (crc >>> 8) & 255, crc & 255)
      const chunk: IndexedChunk = { from: samples[0]?.[0] ?? 0, to: samples.at(-1)?.[0] ?? 0, ref: offset }
      return { pairs: Object.entries(pairs).sort(([a], [b]) => (a < b ? -1 : 1)), chunk }
    })
    const index = indexFile({ series: indexed.map(({ pairs }) => pairs), chunks: indexed.map(({ chunk }) => chunk) })
    const content = new Map([
      ['index', index],
      ['chunks/000001', Uint8Array.from(chunks)],
    ])
    files.set(ulid, content)
    const sizes = [...content].map(([path, bytes]) => ({ path, size: bytes.length }))
    const meta = blockMeta({ ulid, labels, minTime: from, maxTime: from + 7_200_000, resolution, files: sizes })
    loaded.set(ulid, { meta, bytes: 1, fence: undefined })
  })
  const sink = {
    loaded: () => loaded,
    open(id: string): BlockReader | undefined {
      const meta = loaded.get(id)?.meta
      if (!meta) return undefined
      state.open++
      return {
        meta,
        files: {
          async read(file: string, offset: number, length: number) {
            state.reads++
            if (file === state.failing) throw new Error('the disk is gone')
            const bytes = files.get(id)?.get(file) ?? new Uint8Array()
            return bytes.subarray(offset, offset + length)
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

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)]
}
