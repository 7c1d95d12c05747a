import { expect, it } from 'vitest'
import { BoundedLabel } from '../../src/metrics/instruments.ts'

it('lets 200 values of a label through, and tells every later one as other', () => {
  const label = new BoundedLabel()
  const told = new Set(Array.from({ length: 500 }, (_, i) => label.of(`reason-${i}`)))
  expect(told.size).toBe(201)
  expect(told).toContain('other')
  expect(label.of('reason-0')).toBe('reason-0')
  expect(label.of('reason-499')).toBe('other')
})

it('tells what is too long, or no word, as other', () => {
  const label = new BoundedLabel()
  expect(['a'.repeat(65), 'a"b', 'a\nb', 'ä'].map(value => label.of(value))).toEqual(Array(4).fill('other'))
  // A label with no text is as good as none.
  expect(label.of('')).toBe('')
  expect(label.of('time-range#2')).toBe('time-range#2')
})
