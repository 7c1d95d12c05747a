import { describe, expect, it } from 'vitest'
import { nextBatch, type Selected } from '../../src/query/batch.ts'

describe('batches of series', () => {
  const series = (...chunks: readonly number[]) =>
    ({ labels: [], parts: chunks.map(count => ({ series: { chunks: new Array(3 * count) } })) }) as unknown as Selected
  const all = (count: number, of: Selected) => Array.from({ length: count }, () => of)
  const run = { pause: () => undefined }
  /** How many series each batch has. */
  const sizesOf = async (selected: readonly Selected[]) => {
    const left = selected.values()
    const sizes: number[] = []
    for (let batch = await nextBatch(left, run); batch.length > 0; batch = await nextBatch(left, run))
      sizes.push(batch.length)
    return sizes
  }

  it('end at 1,024 series, or at the one that makes 8,192 chunks of all blocks', async () => {
    expect(await sizesOf(all(2500, series(1)))).toEqual([1024, 1024, 452])
    expect(await sizesOf(all(20, series(1000)))).toEqual([9, 9, 2])
    expect(await sizesOf(all(10, series(512, 512)))).toEqual([8, 2])
  })

  it('have one series at least', async () => {
    expect(await sizesOf(all(3, series(100_000)))).toEqual([1, 1, 1])
    expect(await sizesOf([])).toEqual([])
  })

  it('let others have their turn', async () => {
    let turns = 0
    const pausing = { pause: async () => void turns++ }
    await nextBatch(all(1000, series(1)).values(), pausing)
    expect(turns).toBeGreaterThan(25)
  })
})
