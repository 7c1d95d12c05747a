import { describe, expect, it } from 'vitest'
import { batchEnd, type Selected } from '../../src/query/batch.ts'

describe('batches of series', () => {
  const series = (...chunks: readonly number[]) =>
    ({ labels: [], parts: chunks.map(count => ({ series: { chunks: new Array(3 * count) } })) }) as unknown as Selected
  const all = (count: number, of: Selected) => Array.from({ length: count }, () => of)

  it('end at 1,024 series, or at the one that makes 8,192 chunks of all blocks', () => {
    expect(batchEnd(all(3000, series(1)), 0)).toBe(1024)
    expect(batchEnd(all(3000, series(1)), 2500)).toBe(3000)
    expect(batchEnd(all(100, series(1000)), 10)).toBe(19)
    expect(batchEnd(all(100, series(512, 512)), 0)).toBe(8)
  })

  it('have one series at least', () => {
    expect(batchEnd(all(3, series(100_000)), 1)).toBe(2)
  })
})
