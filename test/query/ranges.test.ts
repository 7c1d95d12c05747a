import { describe, expect, it } from 'vitest'
import { chunkGap, coalesced, DEFAULT_GAP, partAt, readSpans } from '../../src/query/ranges.ts'

const G = DEFAULT_GAP

/** `[from, to)`, as pairs. */
function parts(spans: readonly (readonly [number, number])[], gap = G) {
  return coalesced(
    spans.map(([offset, end]) => ({ offset, end })),
    gap,
  ).map(({ offset, end }) => [offset, end])
}

describe('spans', () => {
  // TestGapBasedPartitioner_Partition of thanos' pkg/store/bucket_test.go.
  it.each([
    [[], []],
    [[[1, 10]], [[1, 10]]],
    [
      [
        [1, 2],
        [3, 5],
        [7, 10],
      ],
      [[1, 10]],
    ],
    [
      [
        [1, 2],
        [3, 5],
        [20, 30],
        [G + 31, G + 32],
      ],
      [
        [1, 30],
        [G + 31, G + 32],
      ],
    ],
    [
      [
        [1, 30],
        [1, 4],
        [3, 28],
        [G + 31, G + 32],
        [G + 31, G + 40],
      ],
      [
        [1, 30],
        [G + 31, G + 40],
      ],
    ],
    [
      [
        [1, 15],
        [1, G + 100],
        [G + 31, G + 40],
      ],
      [[1, G + 100]],
    ],
  ] as [[number, number][], [number, number][]][])('are joined as Thanos joins them: %j', (given, expected) => {
    expect(parts(given)).toEqual(expected)
    expect(parts(given.toReversed())).toEqual(expected)
  })

  it('are joined up to the gap itself, and not one byte beyond', () => {
    expect(parts([[0, 1], [1 + G, 2 + G]])).toHaveLength(1) // biome-ignore format: pairs
    expect(parts([[0, 1], [2 + G, 3 + G]])).toHaveLength(2) // biome-ignore format: pairs
    expect(chunkGap(G)).toBe(64 * 1024)
  })

  it('stay apart where together they have more than 16 MiB, so that they are read side by side', () => {
    const MiB = 2 ** 20
    expect(parts([0, 10, 20].map(i => [i * MiB, (i + 10) * MiB]))).toHaveLength(3)
    // One that is larger by itself takes in what stands within it.
    expect(parts([[0, 20 * MiB], [MiB, 2 * MiB]])).toEqual([[0, 20 * MiB]]) // biome-ignore format: pairs
  })
})

describe('reads', () => {
  const spans = (...offsets: number[]) => offsets.map(offset => ({ offset, end: offset + 1 }))

  it('are made eight at a time, and none is begun after one that failed', async () => {
    const begun: number[] = []
    let [running, most] = [0, 0]
    const ends = new Map<number, PromiseWithResolvers<void>>()
    const read = async (offset: number, length: number) => {
      begun.push(offset)
      most = Math.max(most, ++running)
      const end = Promise.withResolvers<void>()
      ends.set(offset, end)
      await end.promise
      running--
      return new Uint8Array(length)
    }
    const offsets = Array.from({ length: 20 }, (_, i) => 10 * i)
    const reading = readSpans(spans(...offsets), read, { gap: 0, signal: new AbortController().signal })
    await Promise.resolve()
    expect(begun).toEqual(offsets.slice(0, 8))
    ends.get(0)?.reject(new Error('the disk is gone'))
    for (const [, end] of ends) end.resolve()
    await expect(reading).rejects.toThrow('the disk is gone')
    expect([begun.length, most]).toEqual([8, 8])
  })

  it('find a byte in the part that was read last where it begins, and in none where nothing was read', async () => {
    const read = async (offset: number, length: number) => new Uint8Array(length).fill(offset)
    const options = { gap: 0, signal: new AbortController().signal }
    const ranges = [
      { offset: 40, end: 50 },
      { offset: 10, end: 30 },
    ]
    const found = await readSpans(ranges, read, options)
    const again = { offset: 12, end: 14, bytes: new Uint8Array(2) }
    const all = [...found, again].sort((a, b) => a.offset - b.offset)
    const at = [5, 10, 13, 20, 35, 45, 50].map(byte => partAt(all, byte)?.offset)
    expect(at).toEqual([undefined, 10, 12, 10, undefined, 40, undefined])
  })
})
