import { expect, it } from 'vitest'
import { Coverage, type Gap } from './coverage.ts'

const OVERLAP = 1_000
const A = new Set(['a'])
const NONE = new Set<string>()

/** Gateways that are asked. An answer is `<gateway> <from> <to>`, and ` a` where it has block a. */
function watched(...gateways: readonly string[]) {
  const coverage = new Coverage(OVERLAP)
  const gaps: Gap[] = []
  for (const gateway of gateways) coverage.come(gateway, 0)
  const answers = (text: string) => {
    for (const answer of text.split(', ')) {
      const [gateway = '', from, to, has] = answer.split(' ')
      gaps.push(...coverage.answer(gateway, { from: Number(from), to: Number(to), blocks: has ? A : NONE }))
    }
  }
  return { coverage, gaps, answers }
}

it('finds no gap in a hand-over that overlaps, however the answers of a sweep are ordered', () => {
  const { gaps, answers } = watched('old', 'new')
  answers('old 1000 1010 a, new 1000 1020, new 1200 1210 a, old 1200 1290 a')
  answers('new 1400 1410 a, old 1400 1405, old 1600 1605, new 1600 1610 a')
  expect(gaps).toEqual([])
})

it('waits for the slowest answer before it says that a block was away', () => {
  const { gaps, answers } = watched('old', 'new', 'third')
  answers('old 1000 1010 a, third 1000 1010, old 1200 1210 a, old 1400 1410')
  answers('third 1500 1510 a, third 1700 1710 a, old 2000 2010, third 2000 2010 a')
  expect(gaps).toEqual([])
  answers('new 1190 1700 a, new 1710 1720 a, new 2000 2010 a')
  expect(gaps).toEqual([])
})

it('finds a block that is dropped before the new server has it', () => {
  const { gaps, answers } = watched('old', 'new')
  answers('old 1000 1010 a, new 1000 1010, old 1200 1210 a, new 1200 1210, old 1400 1410, new 1400 1410')
  answers('old 1600 1610, new 1600 1610 a, old 1800 1810, new 1800 1810 a, old 2000 2010, new 2000 2010 a')
  expect(gaps).toEqual([{ block: 'a', from: 1210, to: 1600, longest: 410, certain: true, last: 'old', next: 'new' }])
})

it('finds it also where a third gateway answers so late that all is judged at once', () => {
  const { gaps, answers } = watched('old', 'new', 'slow')
  answers('old 1000 1010 a, new 1000 1010, old 1200 1210 a, new 1200 1210, old 1400 1410, new 1400 1410')
  answers('new 1600 1610 a, new 1800 1810 a, old 2000 2010, new 2000 2010 a, slow 3000 3010')
  expect(gaps).toMatchObject([{ from: 1210, to: 1600 }])
})

it('remembers the longest span, whichever answer came last', () => {
  const { gaps, answers } = watched('one', 'other')
  answers('one 1000 1010 a, other 1005 1010 a, one 1990 2000 a, other 1200 1210 a, other 1300 1310')
  answers('other 1800 1810 a, other 1900 1910 a, one 2100 2110, other 2100 2110 a')
  expect(gaps).toEqual([])
})

it('finds a hand-over that was shorter than promised, and shorter than the time between two polls', () => {
  const { gaps, answers } = watched('old', 'new')
  answers('old 1000 1010 a, new 1100 1110, old 1200 1210 a, new 1300 1310 a')
  answers('old 1400 1410, new 1500 1510 a, old 1600 1610')
  expect(gaps).toMatchObject([{ from: 1210, to: 1300, certain: true }])
})

it('is not certain where answers were so slow that the promised overlap fits between them', () => {
  const { gaps, answers } = watched('old', 'new')
  answers('old 1000 1010 a, new 1100 1110, old 1200 1210 a, old 1400 2200, new 1300 2400 a')
  answers('new 2500 2510 a, old 2500 2510')
  expect(gaps).toMatchObject([{ from: 1210, to: 1300, certain: false }])
})

it('counts a gateway that was killed as one that has nothing from that moment', () => {
  const { coverage, gaps, answers } = watched('one', 'other')
  answers('one 1000 1010 a, other 1000 1010, one 1200 1210 a, other 1200 1210')
  gaps.push(...coverage.go('one', 1300))
  answers('other 1400 1410')
  expect(coverage.missing(1400)).toEqual(['a'])
  answers('other 9000 9010 a, other 9200 9210 a, other 9400 9410 a')
  expect(gaps).toMatchObject([{ block: 'a', from: 1210, to: 9000, longest: 7810, last: 'one', next: 'other' }])
  expect(coverage.missing(9200)).toEqual([])
})

it('does not miss a block that was never served, nor one that only a gateway has that is not asked', () => {
  const { coverage, gaps, answers } = watched('one')
  answers('one 1000 1010, stranger 1000 1010 a, stranger 1200 1210 a, one 1200 1210, one 1400 1410')
  expect([gaps, coverage.missing(1400)]).toEqual([[], []])
})

it('takes a gateway that came later into account from the first time it is asked', () => {
  const { coverage, gaps, answers } = watched('old', 'third')
  answers('old 1000 1010 a, third 1000 1010, old 1200 1210 a, third 1200 1210')
  coverage.come('new', 1205)
  answers('old 1400 1410, third 1400 1410 a, third 1600 1610 a, old 1800 1810')
  expect(gaps).toEqual([])
  answers('new 1205 1300 a, new 1600 1610 a, third 1800 1810 a, new 1800 1810 a')
  expect(gaps).toEqual([])
})

it('counts the time until a gateway was stopped as time in which it may have served', () => {
  const { coverage, gaps, answers } = watched('old', 'new')
  answers('old 1000 1010 a, new 1100 1110, old 1200 1210 a')
  gaps.push(...coverage.go('old', 2200))
  answers('new 1300 2400 a, new 2500 2510 a, new 2700 2710 a')
  expect(gaps).toMatchObject([{ from: 1210, to: 1300, certain: false }])
})
