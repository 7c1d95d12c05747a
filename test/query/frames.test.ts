import { crc32c } from 'blockgate/tsdb'
import { describe, expect, it } from 'vitest'
import type { BlockChunk } from '../../src/query/block-series.ts'
import type { Label } from '../../src/query/labels.ts'
import { ProtoWriter } from '../../src/query/remote-read/proto-writer.ts'
import { writeFrame } from '../../src/query/remote-read/streamed.ts'
import { putInt, putUint, uintSize } from '../../src/query/remote-read/varint.ts'
import { StoredChunk } from '../../src/tsdb/chunk.ts'

const utf8 = new TextEncoder()

/** A varint of 64 bits, by BigInt. */
function varint(value: number): readonly number[] {
  let rest = BigInt.asUintN(64, BigInt(value))
  const bytes: number[] = []
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return [...bytes, Number(rest)]
}

const numberField = (field: number, value: number) => (value === 0 ? [] : [field * 8, ...varint(value)])
const bytesField = (field: number, bytes: ArrayLike<number>) => [
  field * 8 + 2,
  ...varint(bytes.length),
  ...Array.from(bytes),
]

/** As protobuf's documents say, and as slow as can be. */
function plainFrame(labels: readonly Label[], chunks: readonly BlockChunk[], queryIndex: number): Uint8Array {
  const series = [
    ...labels.flatMap(([name, value]) =>
      bytesField(1, [...bytesField(1, utf8.encode(name)), ...bytesField(2, utf8.encode(value))]),
    ),
    ...chunks.flatMap(({ from, to, chunk: { encoding, data } }) =>
      bytesField(2, [
        ...numberField(1, from),
        ...numberField(2, to),
        ...numberField(3, encoding),
        ...bytesField(4, data),
      ]),
    ),
  ]
  const message = Uint8Array.from([...bytesField(1, series), ...numberField(2, queryIndex)])
  const crc = crc32c(message)
  return Uint8Array.from([
    ...varint(message.length),
    crc >>> 24,
    (crc >>> 16) & 255,
    (crc >>> 8) & 255,
    crc & 255,
    ...message,
  ])
}

/** Chunks are not decoded, so any bytes will do. */
function chunkOf(from: number, to: number, encoding: number, length: number): BlockChunk {
  const data = Uint8Array.from({ length }, (_, i) => (i * 197 + length * 31 + encoding) & 255)
  return { from, to, chunk: StoredChunk.of(encoding, data) }
}

const SERIES: readonly (readonly [string, readonly Label[], readonly BlockChunk[], number])[] = [
  ['one chunk', [['a', 'b']], [chunkOf(1, 2, 1, 10)], 0],
  [
    'times around zero',
    [['__name__', 'up']],
    [chunkOf(-5, 0, 1, 3), chunkOf(1, 127, 1, 0), chunkOf(128, 1e15, 2, 1)],
    0,
  ],
  [
    'every length of data',
    [
      ['name', 'x'.repeat(200)],
      ['ä', '😀'],
    ],
    Array.from({ length: 300 }, (_, i) =>
      chunkOf(1_700_000_000_000 + 10 * i, 1_700_000_000_005 + 10 * i, 1 + (i % 3), i),
    ),
    0,
  ],
  ['long data', [], [chunkOf(1, 2, 1, 4_095), chunkOf(3, 4, 3, 4_096), chunkOf(5, 6, 2, 100_000)], 0],
  ['of a later query', [['a', 'b']], [chunkOf(1, 2, 1, 150)], 300],
]

describe('a frame', () => {
  it.each(SERIES)('has the bytes that a plain writer makes: %s', (_, labels, chunks, queryIndex) => {
    const out = new ProtoWriter(16)
    out.uint(7)
    writeFrame(out, { labels, chunks }, queryIndex)
    const expected = Uint8Array.of(7, ...plainFrame(labels, chunks, queryIndex))
    expect(Buffer.compare(out.done(), expected)).toBe(0)
  })
})

it('varints are those of 64 bits', () => {
  const edges = Array.from({ length: 54 }, (_, bits) => 2 ** bits).flatMap(edge => [edge - 1, edge, edge + 1])
  for (const value of edges.filter(Number.isSafeInteger)) {
    const bytes = new Uint8Array(12)
    const expected = varint(value)
    expect(Array.from(bytes.subarray(0, putUint(bytes, 0, value)))).toEqual(expected)
    expect(uintSize(value)).toBe(expected.length)
    expect(Array.from(bytes.subarray(0, putInt(bytes, 0, -value)))).toEqual(varint(-value))
  }
})
