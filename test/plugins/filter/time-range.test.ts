import { type TimeRangeOptions, timeRange } from 'blockgate/plugins/filter/time-range'
import { testStage } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { HOUR, NOW, problemsOf, verdict } from './verdict.ts'

const at = (options: TimeRangeOptions, minTime: number, maxTime: number, now = NOW) =>
  verdict(timeRange(options), { minTime, maxTime }, {}, now)

testStage(
  { describe, it },
  {
    name: 'time-range',
    factory: () => timeRange({ newerThan: '90d', olderThan: '2h' }),
    invalid: [() => timeRange({ newerThan: 'soon' }), () => timeRange({ from: 2, to: 1 })],
  },
)

const OUT = 'time-excluded'
const DAY_AGO = NOW - 24 * HOUR
const EARLY = Date.UTC(2025, 11, 31, 22, 30)

it.each<[TimeRangeOptions, minTime: number, maxTime: number, verdict: string, now?: number]>([
  // The vector of Thanos for the range 1 to 10.
  [{ from: 1, to: 10 }, 0, 1, 'passed'],
  [{ from: 1, to: 10 }, 1, 10, 'passed'],
  [{ from: 1, to: 10 }, 2, 30, 'passed'],
  [{ from: 1, to: 10 }, 0, 30, 'passed'],
  [{ from: 1, to: 10 }, -1, 0, OUT],
  [{ from: 1, to: 10 }, 20, 30, OUT],
  // Both ends count as inside, to the millisecond.
  [{ from: 100, to: 200 }, 0, 99, OUT],
  [{ from: 100, to: 200 }, 0, 100, 'passed'],
  [{ from: 100, to: 200 }, 200, 300, 'passed'],
  [{ from: 100, to: 200 }, 201, 300, OUT],
  // A window that moves does so with the run; what got too old for it is expired, and nothing else.
  [{ newerThan: '24h' }, 0, DAY_AGO, 'passed'],
  [{ newerThan: '24h' }, 0, DAY_AGO, `${OUT} (expired)`, NOW + 1],
  [{ olderThan: '24h' }, DAY_AGO, NOW, 'passed'],
  [{ olderThan: '24h' }, DAY_AGO, NOW, OUT, NOW - 1],
  [{ from: '-6w' }, 0, 0, `${OUT} (expired)`],
  [{ from: NOW }, 0, 0, OUT],
  [{ olderThan: '2h' }, NOW, NOW, OUT],
  [{ from: '-6w', to: 1 }, NOW, NOW, OUT],
  [{}, Number.MIN_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 'passed'],
  [{ from: '0000-01-01T00:00:00Z', to: '9999-12-31T23:59:59Z' }, 0, 1, 'passed'],
  ...['2025-12-31T22:30:00Z', '2026-01-01T00:30:00+02:00', '2025-12-31T22:30:00.000Z', EARLY].flatMap(
    (from): [TimeRangeOptions, number, number, string][] => [
      [{ from }, 0, EARLY, 'passed'],
      [{ from }, 0, EARLY - 1, OUT],
    ],
  ),
])('%j: a block from %i to %i: %s', async (options, minTime, maxTime, expected, now) => {
  expect(await at(options, minTime, maxTime, now)).toBe(expected)
})

it.each([
  [{ from: '-6w' }, { newerThan: '6w' }],
  [{ newerThan: '-6w' }, { newerThan: '6w' }],
  [{ to: '-1d12h' }, { olderThan: '36h' }],
  [{ olderThan: '-1d12h' }, { olderThan: '36h' }],
])('%o is the moving window %o', async (options, same) => {
  expect(problemsOf(timeRange(options))).toEqual([])
  for (const [min, max] of [
    [NOW - 43 * 24 * HOUR, NOW - 42 * 24 * HOUR - 1],
    [NOW - 43 * 24 * HOUR, NOW - 42 * 24 * HOUR],
    [NOW - 36 * HOUR, NOW],
    [NOW - 36 * HOUR + 1, NOW],
  ] as const)
    expect(await at(options, min, max)).toBe(await at(same, min, max))
})

const TIME = "must be a time such as '2026-01-31T00:00:00Z', a number of ms since the epoch, or '-6w' for six weeks ago"
const SECONDS = 1_767_225_600

it.each<[options: object, problems: readonly string[]]>([
  ...['2026-02-29T00:00:00Z', '2100-02-29T00:00:00Z', '2026-04-31T00:00:00Z', '2026-13-01T00:00:00Z'].map(
    (from): [object, string[]] => [{ from }, [`from ${TIME}`]],
  ),
  ...['2026-01-00T00:00:00Z', '2026-01-01T24:00:00Z', '2026-01-01T00:00:00', '2026-01-01', '1767225600000'].map(
    (from): [object, string[]] => [{ from }, [`from ${TIME}`]],
  ),
  ...['2024-02-29T00:00:00Z', '2000-02-29T00:00:00Z', '2026-02-28T00:00:00Z', SECONDS * 1000].map(
    (from): [object, string[]] => [{ from }, []],
  ),
  [{ from: '90d', to: Number.NaN }, [`from ${TIME}`, `to ${TIME}`]],
  [{ from: '6w', to: '+1h' }, [`from ${TIME}`, `to ${TIME}`]],
  [{ newerThan: '--6w' }, ["newerThan must be a duration such as '1d12h' or '6w', or a number of ms >= 0"]],
  // It would be a day of 1970.
  [{ from: SECONDS }, ['from must be in ms, not in seconds']],
  [{ to: SECONDS }, ['to must be in ms, not in seconds']],
  // A window that begins after its end.
  [{ from: 2, to: 1 }, ['from must not begin after to (1)']],
  [{ from: 1, to: 1 }, []],
  [{ from: '-2h', to: '-6w' }, ['from must not begin after to (-6w)']],
  [{ from: '2026-01-01T00:00:00Z', to: '-6w' }, []],
  [{ newerThan: '1h', olderThan: '2h' }, ['newerThan must not begin after olderThan (2h)']],
  [{ newerThan: '2h', olderThan: '2h' }, []],
  [
    { from: 1, newerThan: '1h', to: 2, olderThan: '1h' },
    ['from must not be given together with newerThan', 'to must not be given together with olderThan'],
  ],
  [
    { from: 'x', newerThan: '1h', olderThan: '2h' },
    [`from ${TIME}`, 'from must not be given together with newerThan', 'newerThan must not begin after olderThan (2h)'],
  ],
])('the problems of %j are %j', (options, problems) => {
  expect(problemsOf(timeRange(options))).toEqual(problems)
})

it('options that it does not know are problems', () => {
  expect(problemsOf(timeRange({ newer: '1h' } as TimeRangeOptions))).toEqual([expect.stringMatching(/^newer must/)])
})
