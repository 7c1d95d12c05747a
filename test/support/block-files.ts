/** Encodes small blocks for tests: all their files, from series and chunks that are given as bytes. */
import { crc32c } from 'blockgate/tsdb'
import { Bytes, compare, type Damage, indexFile, type SeriesLabels } from './index-file.ts'

export interface GivenChunk {
  /** First and last time of its samples, ms. */
  readonly from: number
  readonly to: number
  readonly encoding: number
  readonly data: Uint8Array
}

export interface GivenSeries {
  /** By name. */
  readonly labels: SeriesLabels
  readonly chunks: readonly GivenChunk[]
}

export interface GivenFiles {
  /** Of the index. Default 2. */
  readonly version?: 1 | 2 | undefined
  readonly series: readonly GivenSeries[]
  /** Chunks in one segment file. Default: all. */
  readonly perSegment?: number | undefined
  readonly damage?: Damage | undefined
}

const SEGMENT_START = [0x85, 0xbd, 0x40, 0xdd, 1, 0, 0, 0]

/** `index`, `index-header` and `chunks/000001` on; series are written in the order of their labels. */
export function blockFiles(given: GivenFiles): Map<string, Uint8Array> {
  const { version = 2, perSegment = Number.POSITIVE_INFINITY, damage = (_, body) => body } = given
  const sorted = [...given.series].sort((a, b) => compareLabels(a.labels, b.labels))
  const segments: Bytes[] = []
  let count = 0
  const chunks = sorted.map(series =>
    series.chunks.map(({ from, to, encoding, data }) => {
      if (segments.length === 0 || count === perSegment) {
        segments.push(new Bytes().bytes(Uint8Array.from(SEGMENT_START)))
        count = 0
      }
      count++
      const segment = segments.at(-1) as Bytes
      const ref = (segments.length - 1) * 2 ** 32 + segment.length
      const body = damage('chunk', Uint8Array.of(encoding, ...data))
      segment
        .uvarint(Math.max(0, body.length - 1))
        .bytes(body)
        .be32(crc32c(body))
      return { from, to, ref }
    }),
  )
  const index = indexFile({ version, series: sorted.map(({ labels }) => labels), chunks, damage })
  const files = new Map([
    ['index', index],
    ['index-header', headerFile(index)],
  ])
  for (const [i, segment] of segments.entries()) files.set(segmentPath(i), segment.done())
  return files
}

/** The index-header as Thanos makes it of an index, whatever is in that. */
export function headerFile(index: Uint8Array): Uint8Array {
  const view = new DataView(index.buffer, index.byteOffset, index.length)
  const offset = (i: number) => {
    const at = index.length - 52 + 8 * i
    return at >= 0 && at + 8 <= index.length ? Number(view.getBigUint64(at)) : 0
  }
  const [symbols, series, table] = [offset(0), offset(1), offset(5)]
  const out = new Bytes()
    .be32(0xbaaad792)
    .u8(1)
    .u8(index[4] ?? 2)
    .be64(table)
  out.bytes(index.subarray(symbols, series))
  const tableAt = out.length
  out.bytes(index.subarray(table))
  const end = new Bytes().be64(14).be64(tableAt).done()
  return out.bytes(end).be32(crc32c(end)).done()
}

export function segmentPath(i: number): string {
  return `chunks/${String(i + 1).padStart(6, '0')}`
}

/** Pair by pair, by bytes. */
export function compareLabels(a: SeriesLabels, b: SeriesLabels): number {
  for (const [i, [name, value]] of a.entries()) {
    const other = b[i]
    if (!other) return 1
    const order = compare(name, other[0]) || compare(value, other[1])
    if (order !== 0) return order
  }
  return a.length - b.length
}
