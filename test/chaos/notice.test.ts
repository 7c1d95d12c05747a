import { expect, it } from 'vitest'
import { Notice } from './notice.ts'

it('measures from the raise of an epoch, which it names itself, to each gateway that was ready then', () => {
  const notice = new Notice()
  notice.saw('a', 1_000_000, 1_005)
  notice.saw('b', 1_000_000, 1_100)
  notice.ready('a', 1_200)
  notice.ready('b', 1_300)
  expect(notice.saw('a', 2_000_000, 2_030)).toBe(30)
  expect(notice.behind(2_500)).toEqual(['b'])
  // It saw the second one only, and with it the first.
  expect(notice.saw('a', 3_000_000, 3_001)).toBe(1)
  expect(notice.saw('b', 3_000_000, 3_002)).toBe(1_002)
  expect([notice.maxMs, notice.epochs, notice.behind(9_999)]).toEqual([1_002, 3, []])
})

it('asks nothing of a gateway that was not there, or not ready', () => {
  const notice = new Notice()
  notice.ready('a', 500)
  notice.gone('a')
  notice.saw('b', 2_000_000, 2_005)
  notice.saw('c', 3_000_000, 3_005)
  expect(notice.behind(9_999)).toEqual([])
  notice.saw('a', 3_000_000, 9_000)
  notice.ready('a', 9_001)
  notice.ready('b', 9_001)
  expect(notice.saw('b', 4_000_000, 9_500)).toBe(0)
  expect([notice.maxMs, notice.behind(9_999)]).toEqual([0, []])
})
