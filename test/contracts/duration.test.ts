import { parseDuration } from 'blockgate'
import { expect, it } from 'vitest'

it('a duration is a number of milliseconds or a number with a unit', () => {
  expect(['250ms', '30s', '3m', '24h', '90d', '2w', 5, '1.5s'].map(parseDuration)).toEqual([
    250, 30_000, 180_000, 86_400_000, 7_776_000_000, 1_209_600_000, 5, 1500,
  ])
})

it('units are those of Prometheus, in their order, each once', () => {
  const day = 86_400_000
  expect(['1y', '1d12h', '6w', '1y2w3d4h5m6s7ms', '1h30m', '0', '0s', '1m5ms', '1.5d12h'].map(parseDuration)).toEqual([
    365 * day,
    1.5 * day,
    42 * day,
    (365 + 14 + 3) * day + 4 * 3_600_000 + 5 * 60_000 + 6007,
    5_400_000,
    0,
    0,
    60_005,
    2 * day,
  ])
  for (const bad of [
    '12h1d',
    '1h1h',
    '1d 12h',
    '-6w',
    '--6w',
    '+6w',
    '1d-12h',
    '1mo',
    '1D',
    'y',
    '.5h',
    '1h30',
    '\n1h',
  ])
    expect([bad, parseDuration(bad)]).toEqual([bad, undefined])
})

it('anything else is no duration', () => {
  expect([-1, '', '3', '3 m', 'm', Number.NaN, Number.POSITIVE_INFINITY, null, '-3m'].map(parseDuration)).toEqual(
    Array.from({ length: 9 }, () => undefined),
  )
})
