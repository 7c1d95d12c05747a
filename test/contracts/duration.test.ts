import { parseDuration } from 'blockgate'
import { expect, it } from 'vitest'

const HOUR = 3_600_000
const DAY = 24 * HOUR

it.each([
  [5, 5],
  ['0', 0],
  ['0s', 0],
  ['250ms', 250],
  ['1.5s', 1500],
  ['30s', 30_000],
  ['3m', 180_000],
  ['1m5ms', 60_005],
  ['1h30m', 1.5 * HOUR],
  ['24h', DAY],
  ['1d12h', 1.5 * DAY],
  ['1.5d12h', 2 * DAY],
  ['6w', 42 * DAY],
  ['1y', 365 * DAY],
  ['1y2w3d4h5m6s7ms', 382 * DAY + 4 * HOUR + 5 * 60_000 + 6007],
])('the duration %j is %i ms, in the units of Prometheus', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
})

const PARTS = [
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
  '3',
  '3 m',
]
it.each([...PARTS, '', -1, Number.NaN, Number.POSITIVE_INFINITY, null])('%j is no duration', value => {
  expect(parseDuration(value)).toBeUndefined()
})
