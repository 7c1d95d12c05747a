import { describe, expect, it } from 'vitest'
import { Coverage, type Gap } from './coverage.ts'

const OVERLAP = 1_000
const A = new Set(['a'])
const NONE = new Set<string>()

/** Gateways that are asked; a step is `[gateway, from, to, blocks]`. */
function watched(...gateways: readonly string[]) {
  const coverage = new Coverage(OVERLAP)
  const gaps: Gap[] = []
  for (const gateway of gateways) coverage.come(gateway, 0)
  const answers = (...steps: readonly (readonly [string, number, number, ReadonlySet<string>])[]) => {
    for (const [gateway, from, to, blocks] of steps) gaps.push(...coverage.answer(gateway, { from, to, blocks }))
  }
  return { coverage, gaps, answers }
}

describe('Coverage', () => {
  it('finds no gap in a hand-over that overlaps, however the answers of a sweep are ordered', () => {
    const { gaps, answers } = watched('old', 'new')
    answers(
      ['old', 1000, 1010, A],
      ['new', 1000, 1020, NONE],
      ['new', 1200, 1210, A],
      ['old', 1200, 1290, A],
      ['new', 1400, 1410, A],
      ['old', 1400, 1405, NONE],
      ['old', 1600, 1605, NONE],
      ['new', 1600, 1610, A],
    )
    expect(gaps).toEqual([])
  })

  it('waits for the slowest answer before it says that a block was away', () => {
    const { gaps, answers } = watched('old', 'new', 'third')
    answers(
      ['old', 1000, 1010, A],
      ['third', 1000, 1010, NONE],
      ['old', 1200, 1210, A],
      ['old', 1400, 1410, NONE],
      ['third', 1500, 1510, A],
      ['third', 1700, 1710, A],
      ['old', 2000, 2010, NONE],
      ['third', 2000, 2010, A],
    )
    expect(gaps).toEqual([])
    answers(['new', 1190, 1700, A], ['new', 1710, 1720, A], ['new', 2000, 2010, A])
    expect(gaps).toEqual([])
  })

  it('finds a block that is dropped before the new server has it', () => {
    const { gaps, answers } = watched('old', 'new')
    answers(
      ['old', 1000, 1010, A],
      ['new', 1000, 1010, NONE],
      ['old', 1200, 1210, A],
      ['new', 1200, 1210, NONE],
      ['old', 1400, 1410, NONE],
      ['new', 1400, 1410, NONE],
      ['old', 1600, 1610, NONE],
      ['new', 1600, 1610, A],
      ['old', 1800, 1810, NONE],
      ['new', 1800, 1810, A],
      ['old', 2000, 2010, NONE],
      ['new', 2000, 2010, A],
    )
    expect(gaps).toEqual([{ block: 'a', from: 1210, to: 1600, longest: 410, certain: true, last: 'old', next: 'new' }])
  })

  it('finds a hand-over that was shorter than promised, and shorter than the time between two looks', () => {
    const { gaps, answers } = watched('old', 'new')
    answers(
      ['old', 1000, 1010, A],
      ['new', 1100, 1110, NONE],
      ['old', 1200, 1210, A],
      ['new', 1300, 1310, A],
      ['old', 1400, 1410, NONE],
      ['new', 1500, 1510, A],
      ['old', 1600, 1610, NONE],
    )
    expect(gaps).toMatchObject([{ from: 1210, to: 1300, certain: true }])
  })

  it('is not certain where answers were so slow that the promised overlap fits between them', () => {
    const { gaps, answers } = watched('old', 'new')
    answers(
      ['old', 1000, 1010, A],
      ['new', 1100, 1110, NONE],
      ['old', 1200, 1210, A],
      ['old', 1400, 2200, NONE],
      ['new', 1300, 2400, A],
      ['new', 2500, 2510, A],
      ['old', 2500, 2510, NONE],
    )
    expect(gaps).toMatchObject([{ from: 1210, to: 1300, certain: false }])
  })

  it('counts a gateway that was killed as one that has nothing from that moment', () => {
    const { coverage, gaps, answers } = watched('one', 'other')
    answers(['one', 1000, 1010, A], ['other', 1000, 1010, NONE], ['one', 1200, 1210, A], ['other', 1200, 1210, NONE])
    gaps.push(...coverage.go('one', 1300))
    answers(['other', 1400, 1410, NONE])
    expect(coverage.missing(1400)).toEqual(['a'])
    answers(['other', 9000, 9010, A], ['other', 9200, 9210, A], ['other', 9400, 9410, A])
    expect(gaps).toMatchObject([{ block: 'a', from: 1210, to: 9000, longest: 7810, last: 'one', next: 'other' }])
    expect(coverage.missing(9200)).toEqual([])
  })

  it('does not miss a block that was never served, nor one that only a gateway has that is not asked', () => {
    const { coverage, gaps, answers } = watched('one')
    answers(['one', 1000, 1010, NONE], ['stranger', 1000, 1010, A], ['stranger', 1200, 1210, A])
    answers(['one', 1200, 1210, NONE], ['one', 1400, 1410, NONE])
    expect([gaps, coverage.missing(1400), coverage.blocks]).toEqual([[], [], 0])
  })

  it('takes a gateway that came later into account from the first time it is asked', () => {
    const { coverage, gaps, answers } = watched('old', 'third')
    answers(['old', 1000, 1010, A], ['third', 1000, 1010, NONE], ['old', 1200, 1210, A], ['third', 1200, 1210, NONE])
    coverage.come('new', 1205)
    answers(['old', 1400, 1410, NONE], ['third', 1400, 1410, A], ['third', 1600, 1610, A], ['old', 1800, 1810, NONE])
    expect(gaps).toEqual([])
    answers(['new', 1205, 1300, A], ['new', 1600, 1610, A], ['third', 1800, 1810, A], ['new', 1800, 1810, A])
    expect(gaps).toEqual([])
  })

  it('counts the time until a gateway was stopped as time in which it may have served', () => {
    const { coverage, gaps, answers } = watched('old', 'new')
    answers(['old', 1000, 1010, A], ['new', 1100, 1110, NONE], ['old', 1200, 1210, A])
    gaps.push(...coverage.go('old', 2200))
    answers(['new', 1300, 2400, A], ['new', 2500, 2510, A], ['new', 2700, 2710, A])
    expect(gaps).toMatchObject([{ from: 1210, to: 1300, certain: false }])
  })
})
