import { type TimeRangeOptions, timeRange } from 'blockgate/plugins/filter/time-range'
import { blockContext, candidate, testOutcome, testStage } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { verdict } from './verdict.ts'

const NOW = Date.UTC(2026, 0, 1)
const HOUR = 3_600_000

const at = (options: TimeRangeOptions, minTime: number, maxTime: number, now = NOW) =>
  verdict(timeRange(options), blockContext(candidate({ minTime, maxTime }), { run: { now } }))

testStage(
  { describe, it },
  {
    name: 'time-range',
    factory: () => timeRange({ newerThan: '90d', olderThan: '2h' }),
    invalid: [() => timeRange({ newerThan: 'soon' }), () => timeRange({ from: 2, to: 1 })],
  },
)

it('keeps and drops the blocks of the Thanos vector for the range 1 to 10', async () => {
  const ranges = [
    [0, 1],
    [1, 10],
    [2, 30],
    [0, 30],
    [-1, 0],
    [20, 30],
  ] as const
  const verdicts = await Promise.all(ranges.map(([min, max]) => at({ from: 1, to: 10 }, min, max)))
  expect(verdicts).toEqual(['passed', 'passed', 'passed', 'passed', 'time-excluded', 'time-excluded'])
})

it('both ends count as inside, to the millisecond', async () => {
  const ends = [
    [0, 99],
    [0, 100],
    [200, 300],
    [201, 300],
  ] as const
  const verdicts = await Promise.all(ends.map(([min, max]) => at({ from: 100, to: 200 }, min, max)))
  expect(verdicts).toEqual(['time-excluded', 'passed', 'passed', 'time-excluded'])
})

it('newerThan reaches back from the now of the run, and moves with it', async () => {
  const end = NOW - 24 * HOUR
  expect(await at({ newerThan: '24h' }, end - 1, end)).toBe('passed')
  expect(await at({ newerThan: '24h' }, end - 1, end, NOW + 1)).toBe('time-excluded')
})

it('olderThan ends that long before the now of the run, and moves with it', async () => {
  const begin = NOW - 2 * HOUR
  expect(await at({ olderThan: '2h' }, begin, NOW)).toBe('passed')
  expect(await at({ olderThan: '2h' }, begin, NOW, NOW - 1)).toBe('time-excluded')
})

it.each<[TimeRangeOptions, number, boolean]>([
  [{ newerThan: '6w' }, 0, true],
  [{ from: '-6w' }, 0, true],
  [{ from: NOW }, 0, false],
  [{ olderThan: '2h' }, NOW, false],
  [{ from: '-6w', to: 1 }, NOW, false],
])(
  '%j leaves out what got too old as expired, and nothing else so: a block of %i: %s',
  async (options, time, expired) => {
    const block = blockContext(candidate({ minTime: time, maxTime: time }), { run: { now: NOW } })
    const answer = await timeRange(options).handle(block, async () => testOutcome('passed'))
    expect(answer).toMatchObject({ reason: 'time-excluded', expired })
  },
)

it('without options every block passes', async () => {
  expect(await at({}, Number.MIN_SAFE_INTEGER, Number.MIN_SAFE_INTEGER)).toBe('passed')
})

it('from and to are RFC 3339 times, with their offset, or ms', async () => {
  const begin = Date.UTC(2025, 11, 31, 22, 30)
  for (const from of ['2025-12-31T22:30:00Z', '2026-01-01T00:30:00+02:00', '2025-12-31T22:30:00.000Z', begin]) {
    expect(await at({ from }, 0, begin)).toBe('passed')
    expect(await at({ from }, 0, begin - 1)).toBe('time-excluded')
  }
  expect(await at({ from: '0000-01-01T00:00:00Z', to: '9999-12-31T23:59:59Z' }, 0, 1)).toBe('passed')
})

it.each([
  '2026-02-29T00:00:00Z',
  '2026-04-31T00:00:00Z',
  '2026-13-01T00:00:00Z',
  '2026-01-01T24:00:00Z',
  '2026-01-01T00:00:00',
  '2026-01-01',
  '1767225600000',
  '90d',
  Number.NaN,
])('%s is no time', from => {
  expect(
    timeRange({ from })
      .check?.()
      .map(p => p.path),
  ).toEqual(['from'])
})

it('the last of February is a day in a leap year', () => {
  const days = ['2024-02-29T00:00:00Z', '2000-02-29T00:00:00Z', '2026-02-28T00:00:00Z']
  expect(days.map(from => timeRange({ from }).check?.())).toEqual([[], [], []])
  expect(timeRange({ from: '2100-02-29T00:00:00Z' }).check?.()).toHaveLength(1)
})

it('a window that begins after its end is a problem, also where it is relative', () => {
  expect(timeRange({ from: 2, to: 1 }).check?.()).toEqual([{ path: 'from', must: 'not begin after to (1)', value: 2 }])
  expect(timeRange({ newerThan: '1h', olderThan: '2h' }).check?.()).toEqual([
    { path: 'newerThan', must: 'not begin after olderThan (2h)', value: '1h' },
  ])
  expect(timeRange({ from: 1, to: 1 }).check?.()).toEqual([])
  expect(timeRange({ newerThan: '2h', olderThan: '2h' }).check?.()).toEqual([])
})

it('two bounds for one end, and options it does not know, are problems', () => {
  const both = timeRange({ from: 1, newerThan: '1h', to: 2, olderThan: '1h' })
  expect(both.check?.().map(p => `${p.path} must ${p.must}`)).toEqual([
    'from must not be given together with newerThan',
    'to must not be given together with olderThan',
  ])
  const unknown = timeRange({ newer: '1h' } as TimeRangeOptions)
  expect(unknown.check?.().map(p => p.path)).toEqual(['newer'])
})

it.each([
  [{ from: '-6w' }, { newerThan: '6w' }],
  [{ newerThan: '-6w' }, { newerThan: '6w' }],
  [{ to: '-1d12h' }, { olderThan: '36h' }],
  [{ olderThan: '-1d12h' }, { olderThan: '36h' }],
])('%o is the moving window %o', async (options, same) => {
  expect(timeRange(options).check?.()).toEqual([])
  for (const [min, max] of [
    [NOW - 43 * 24 * HOUR, NOW - 42 * 24 * HOUR - 1],
    [NOW - 43 * 24 * HOUR, NOW - 42 * 24 * HOUR],
    [NOW - 36 * HOUR, NOW],
    [NOW - 36 * HOUR + 1, NOW],
  ] as const)
    expect(await at(options, min, max)).toBe(await at(same, min, max))
})

it('a time in the future, a sign twice and a window upside down are problems', () => {
  const musts = (options: TimeRangeOptions) =>
    (timeRange(options).check?.() ?? []).map(({ path, must }) => `${path} must ${must}`)
  const time =
    "must be a time such as '2026-01-31T00:00:00Z', a number of ms since the epoch, or '-6w' for six weeks ago"
  expect(musts({ from: '6w', to: '+1h' })).toEqual([`from ${time}`, `to ${time}`])
  expect(musts({ newerThan: '--6w' })).toEqual([
    "newerThan must be a duration such as '1d12h' or '6w', or a number of ms >= 0",
  ])
  expect(musts({ from: '-2h', to: '-6w' })).toEqual(['from must not begin after to (-6w)'])
  expect(musts({ from: '2026-01-01T00:00:00Z', to: '-6w' })).toEqual([])
  expect(musts({ from: 'x', newerThan: '1h', olderThan: '2h' } as TimeRangeOptions)).toEqual([
    `from ${time}`,
    'from must not be given together with newerThan',
    'newerThan must not begin after olderThan (2h)',
  ])
})

it.each(['from', 'to'] as const)('%s in seconds is a problem of the config: it would be a day of 1970', option => {
  const seconds = 1_767_225_600
  expect(timeRange({ [option]: seconds }).check?.()).toEqual([
    { path: option, must: 'be in ms, not in seconds', value: seconds },
  ])
  expect(timeRange({ [option]: seconds * 1000 }).check?.()).toEqual([])
})
