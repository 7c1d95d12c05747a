/** What `blockgate query` asks, from what was typed. */
import { parseDuration } from '../../contracts/duration.ts'
import { rawMessageOf } from '../../contracts/errors.ts'
import type { LabelMatcher } from '../../query/matchers.ts'
import type { Selection } from '../../query/querier.ts'
import { parseSelector } from '../../query/selector.ts'
import type { Args } from '../command.ts'
import { usageError } from '../exit.ts'

export interface Question {
  readonly matchers: readonly LabelMatcher[]
  /** First and last time, both inclusive, ms since the epoch. */
  readonly start: number
  readonly end: number
  /** ms; undefined: the samples as they are stored. */
  readonly step: number | undefined
}

/** How old the sample of a step may be, ms: Prometheus' `--query.lookback-delta` by default. */
export const LOOKBACK_MS: number = 5 * 60_000
const DAY_MS = 86_400_000
const MAX_STEPS = 1_000_000
const SECONDS = /^-?\d+(\.\d+)?$/
const RFC_3339 = /^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)([Zz]|[+-]\d\d:\d\d)?)?$/
const TIME_MUST = "a time such as '2026-10-01T06:00:00Z', 1790834400 (seconds since 1970), '-6h' or 'now'"

/** @throws CliError with exit code 2 */
export function questionOf({ match, start, end, step }: Args, now: number): Question {
  if (match === undefined) throw usageError(`query needs --match, which series: --match 'up{job="node"}'`)
  const to = end === undefined ? now : timeOf('end', end, now)
  const from = start === undefined ? to - DAY_MS : timeOf('start', start, now)
  if (from > to) {
    throw usageError(
      `--start must be <= --end: current values are ${new Date(from).toJSON()} and ${new Date(to).toJSON()}`,
    )
  }
  return {
    matchers: matchersOf(match),
    start: from,
    end: to,
    step: step === undefined ? undefined : stepOf(step, to - from),
  }
}

/** What must be read: before the first step, too. */
export function selectionOf({ matchers, start, end, step }: Question): Selection {
  return { matchers, from: step === undefined ? start : start - LOOKBACK_MS, to: end }
}

function matchersOf(text: string): readonly LabelMatcher[] {
  try {
    return parseSelector(text)
  } catch (error) {
    throw usageError(`--match must be a series selector of PromQL: ${rawMessageOf(error)}`, { cause: error })
  }
}

function timeOf(name: string, text: string, now: number): number {
  const ms = msOf(text, now)
  if (ms !== undefined && Math.abs(ms) <= 8.64e15) return Math.round(ms)
  throw usageError(`--${name} must be ${TIME_MUST}: current value is ${JSON.stringify(text)}`)
}

function msOf(text: string, now: number): number | undefined {
  if (text === 'now') return now
  if (SECONDS.test(text)) return Number(text) * 1000
  if (text.startsWith('-')) {
    const ago = parseDuration(text.slice(1))
    return ago === undefined ? undefined : now - ago
  }
  const [, date, time = '00:00', zone = 'Z'] = RFC_3339.exec(text) ?? []
  const ms = Date.parse(`${date}T${time}${zone.toUpperCase()}`)
  return Number.isNaN(ms) ? undefined : ms
}

function stepOf(text: string, range: number): number {
  const ms = SECONDS.test(text) ? Number(text) * 1000 : parseDuration(text)
  if (ms === undefined || !(ms >= 1)) {
    throw usageError(`--step must be a time such as '15s' or '5m', >= 1ms: current value is ${JSON.stringify(text)}`)
  }
  if (range / ms <= MAX_STEPS) return Math.round(ms)
  throw usageError(
    `--step must be long enough for at most ${MAX_STEPS} steps: current value is ${JSON.stringify(text)}`,
  )
}
