/** Keeps the blocks that touch a window of time. */
import { type BlockStage, checkOptions, type Duration, type Problem, parseDuration, skip } from 'blockgate'
import * as v from 'valibot'

export interface TimeRangeOptions {
  /** Blocks that end less than this long ago; '6w' and, as Thanos writes it, '-6w' are the same. Default: no such bound. */
  readonly newerThan?: Duration | undefined
  /** Blocks that begin at least this long ago, such as '2h' or '-2h'. Default: no such bound. */
  readonly olderThan?: Duration | undefined
  /** Blocks that end at this time or later: RFC 3339, ms since the epoch, or '-6w' for six weeks ago. Not together with `newerThan`. */
  readonly from?: string | number | undefined
  /** Blocks that begin at this time or earlier: RFC 3339, ms since the epoch, or '-2h' for two hours ago. Not together with `olderThan`. */
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
      if (block.meta.maxTime >= min && block.meta.minTime <= max) return next()
      const over = block.meta.maxTime < min
      const comes = !over && (options.olderThan !== undefined || isAgo(options.to))
      return skip('time-excluded', {
        expired: over && moves(options),
        until: comes ? block.run.now + block.meta.minTime - max : Number.POSITIVE_INFINITY,
      })
    },
  }
}

function windowAt(options: TimeRangeOptions, now: number): { readonly min: number; readonly max: number } {
  return {
    min: timeOf(options.from, now) ?? ago(options.newerThan, now) ?? Number.NEGATIVE_INFINITY,
    max: timeOf(options.to, now) ?? ago(options.olderThan, now) ?? Number.POSITIVE_INFINITY,
  }
}

/** Whether blocks leave the window by getting older, without anybody changing the config. */
function moves({ from, newerThan }: TimeRangeOptions): boolean {
  return newerThan !== undefined || isAgo(from)
}

const RFC3339 = /^(\d{4}-\d\d-\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/

/** In ms since the epoch; undefined where it is no RFC 3339 time, no finite number of ms, and not `-6w`. */
function timeOf(time: unknown, now: number): number | undefined {
  if (typeof time === 'number') return Number.isFinite(time) ? time : undefined
  if (isAgo(time)) return ago(time, now)
  const day = typeof time === 'string' ? RFC3339.exec(time)?.[1] : undefined
  return day !== undefined && isDay(day) ? Date.parse(time as string) : undefined
}

/** Date.parse takes February 30 for March 2; a config that says so is wrong. */
function isDay(day: string): boolean {
  const ms = Date.parse(`${day}T00:00:00Z`)
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day)
}

function ago(duration: unknown, now: number): number | undefined {
  const ms = parseDuration(isAgo(duration) ? duration.slice(1) : duration)
  return ms === undefined ? undefined : now - ms
}

/** Thanos' way to write a time that moves: `-6w`. */
function isAgo(value: unknown): value is string {
  return typeof value === 'string' && value.startsWith('-')
}

const time = v.pipe(
  v.custom<string | number>(
    value => timeOf(value, 0) !== undefined,
    "be a time such as '2026-01-31T00:00:00Z', a number of ms since the epoch, or '-6w' for six weeks ago",
  ),
  // As a number of ms it is in 1970: the window would let everything through, or nothing.
  v.check(
    value => !(typeof value === 'number' && value >= 500_000_000 && value < 10_000_000_000),
    'be in ms, not in seconds',
  ),
)

const length = v.custom<Duration>(
  value => ago(value, 0) !== undefined,
  "be a duration such as '1d12h' or '6w', or a number of ms >= 0",
)

type Option = keyof TimeRangeOptions

function checkWindow(options: TimeRangeOptions): readonly Problem[] {
  const problems = checkOptions(options, {
    newerThan: v.optional(length),
    olderThan: v.optional(length),
    from: v.optional(time),
    to: v.optional(time),
  })
  if (problems.some(({ path }) => path === '')) return problems
  return [
    ...problems,
    ...bothGiven(options, 'from', 'newerThan'),
    ...bothGiven(options, 'to', 'olderThan'),
    ...upsideDown(options, 'from', 'to'),
    ...upsideDown(options, 'newerThan', 'olderThan'),
  ]
}

function bothGiven(options: TimeRangeOptions, path: Option, other: Option): readonly Problem[] {
  if (options[path] === undefined || options[other] === undefined) return []
  return [{ path, must: `not be given together with ${other}`, value: options[path] }]
}

/** A window with one end that is fixed and one that moves may be empty for a while, and that is no mistake. */
function upsideDown(options: TimeRangeOptions, path: Option, upper: Option): readonly Problem[] {
  const [begin, end] = [options[path], options[upper]]
  if (begin === undefined || end === undefined || isAgo(begin) !== isAgo(end)) return []
  const { min, max } = windowAt({ [path]: begin, [upper]: end }, 0)
  return min <= max ? [] : [{ path, must: `not begin after ${upper} (${end})`, value: begin }]
}
