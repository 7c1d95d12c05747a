/** Keeps the blocks that touch a window of time. */
import {
  type BlockStage,
  checkOptions,
  type Duration,
  durationOption,
  type Problem,
  parseDuration,
  skip,
} from 'blockgate'
import * as v from 'valibot'
import { parseTime } from './time.ts'

export interface TimeRangeOptions {
  /** Blocks that end less than this long ago. Default: no such bound. */
  readonly newerThan?: Duration | undefined
  /** Blocks that begin at least this long ago. Default: no such bound. */
  readonly olderThan?: Duration | undefined
  /** Blocks that end at this time or later: RFC 3339 or ms since the epoch. Not together with `newerThan`. */
  readonly from?: string | number | undefined
  /** Blocks that begin at this time or earlier: RFC 3339 or ms since the epoch. Not together with `olderThan`. */
  readonly to?: string | number | undefined
}

/**
 * Skips blocks outside the window as `time-excluded`. Both ends count as inside, as in Thanos; a window given as
 * durations moves with each run.
 *
 * @example timeRange({ newerThan: '90d' })
 */
export function timeRange(options: TimeRangeOptions = {}): BlockStage {
  return {
    kind: 'block',
    name: 'time-range',
    options,
    check: () => checkWindow(options),
    async handle(block, next) {
      const { min, max } = windowAt(options, block.run.now)
      return block.meta.maxTime >= min && block.meta.minTime <= max ? next() : skip('time-excluded')
    },
  }
}

function windowAt(options: TimeRangeOptions, now: number): { readonly min: number; readonly max: number } {
  return {
    min: parseTime(options.from) ?? ago(options.newerThan, now) ?? Number.NEGATIVE_INFINITY,
    max: parseTime(options.to) ?? ago(options.olderThan, now) ?? Number.POSITIVE_INFINITY,
  }
}

function ago(duration: Duration | undefined, now: number): number | undefined {
  const ms = parseDuration(duration)
  return ms === undefined ? undefined : now - ms
}

const time = v.custom<string | number>(
  value => parseTime(value) !== undefined,
  "be a time such as '2026-01-31T00:00:00Z', or a number of ms since the epoch",
)

function checkWindow(options: TimeRangeOptions): readonly Problem[] {
  const problems = checkOptions(options, {
    newerThan: v.optional(durationOption),
    olderThan: v.optional(durationOption),
    from: v.optional(time),
    to: v.optional(time),
  })
  if (problems.length > 0) return problems
  return [
    ...bothGiven(options, 'from', 'newerThan'),
    ...bothGiven(options, 'to', 'olderThan'),
    ...upsideDown(options, 'from', 'to'),
    ...upsideDown(options, 'newerThan', 'olderThan'),
  ]
}

type Option = keyof TimeRangeOptions

function bothGiven(options: TimeRangeOptions, path: Option, other: Option): readonly Problem[] {
  if (options[path] === undefined || options[other] === undefined) return []
  return [{ path, must: `not be given together with ${other}`, value: options[path] }]
}

/** A mixed window, `from` with `olderThan`, depends on when it is asked: it may be empty, and that is no mistake. */
function upsideDown(options: TimeRangeOptions, lower: Option, upper: Option): readonly Problem[] {
  const given = { [lower]: options[lower], [upper]: options[upper] }
  if (given[lower] === undefined || given[upper] === undefined) return []
  const { min, max } = windowAt(given, 0)
  if (min <= max) return []
  return [{ path: lower, must: `not begin after ${upper} (${String(given[upper])})`, value: given[lower] }]
}
