import { describe, expect, it } from 'vitest'
import type { Part } from '../../src/query/ranges.ts'
import { PartCursor, runsOf } from '../../src/query/runs.ts'

const part = (offset: number, length: number, fill: number): Part => ({
  offset,
  end: offset + length,
  bytes: new Uint8Array(length).fill(fill),
})

describe('runs', () => {
  it('entries of which each begins within the guess of the one before are one read', () => {
    expect(runsOf([0, 10, 20, 31, 200], 10)).toEqual([
      { offset: 0, last: 20, end: 30 },
      { offset: 31, last: 31, end: 41 },
      { offset: 200, last: 200, end: 210 },
    ])
  })

  it('none goes beyond where entries end', () => {
    expect(runsOf([0, 95], 10, 100)).toEqual([
      { offset: 0, last: 0, end: 10 },
      { offset: 95, last: 95, end: 100 },
    ])
    expect(runsOf([120], 10, 100)).toEqual([{ offset: 120, last: 120, end: 120 }])
  })

  it('a run ends after a megabyte', () => {
    const offsets = Array.from({ length: 3000 }, (_, i) => i * 1000)
    const runs = runsOf(offsets, 1000)
    expect(runs.map(({ offset, last }) => [offset, last])).toEqual([
      [0, 1_048_000],
      [1_049_000, 2_097_000],
      [2_098_000, 2_999_000],
    ])
  })
})

describe('a cursor over parts', () => {
  const cut = part(0, 100, 1)
  const again = part(90, 60, 2)
  const far = part(500, 10, 3)

  it('finds the part of an offset, in any order', () => {
    const cursor = new PartCursor([cut, again, far], 'index: series')
    for (const [offset, fill] of [
      [0, 1],
      [89, 1],
      [90, 2],
      [99, 2],
      [149, 2],
      [509, 3],
      [3, 1],
    ] as const) {
      cursor.moveTo(offset)
      expect([cursor.bytes[0], cursor.view.getUint8(offset - cursor.offset)]).toEqual([fill, fill])
    }
  })

  it('what was not read is not found', () => {
    const cursor = new PartCursor([cut, again, far], 'index: series')
    for (const offset of [150, 499, 510])
      expect(() => cursor.moveTo(offset)).toThrow(`index: series at ${offset} must be within the file`)
    expect(() => new PartCursor([], 'x').moveTo(0)).toThrow('x at 0 must be within the file')
  })
})
