import { parseDuration } from 'blockgate'
import { expect, it } from 'vitest'

it('a duration is a number of milliseconds or a number with a unit', () => {
  expect(['250ms', '30s', '3m', '24h', '90d', '2w', 5, '1.5s'].map(parseDuration)).toEqual([
    250, 30_000, 180_000, 86_400_000, 7_776_000_000, 1_209_600_000, 5, 1500,
  ])
})

it('anything else is no duration', () => {
  expect([-1, '', '3', '3 m', 'm', Number.NaN, Number.POSITIVE_INFINITY, null, '-3m'].map(parseDuration)).toEqual(
    Array.from({ length: 9 }, () => undefined),
  )
})
