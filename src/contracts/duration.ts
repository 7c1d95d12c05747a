/** Durations as Prometheus' users write them, and instants as text. */

/** '250ms', '30s', '3m', '1d12h', '6w', '1y': units from the longest to the shortest, each once; a number is milliseconds. */
export type Duration = string | number

/** Prometheus': a day has 24 hours, a year 365 days. */
const UNITS = { y: 31_536_000_000, w: 604_800_000, d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 }

const PATTERN = new RegExp(
  `^(?=.)${Object.keys(UNITS)
    .map(unit => `(?:(\\d+(?:\\.\\d+)?)${unit})?`)
    .join('')}$`,
)

/** Milliseconds, or undefined where `value` is not a finite duration >= 0. */
export function parseDuration(value: unknown): number | undefined {
  const ms = typeof value === 'string' ? sum(value) : value
  return typeof ms === 'number' && Number.isFinite(ms) && ms >= 0 ? ms : undefined
}

function sum(text: string): number | undefined {
  if (text === '0') return 0
  const factors = Object.values(UNITS)
  return PATTERN.exec(text)
    ?.slice(1)
    .reduce((ms, n = '0', i) => ms + Number(n) * (factors[i] ?? 0), 0)
}

/** What `must` says of a bad duration. */
export const DURATION_MUST = "be a duration such as '30s', '1d12h' or '6w', or a number of ms >= 0"

/** Milliseconds of an option that `check()` has passed already; `fallback` where the option is absent. */
export function durationMs(value: Duration | undefined, fallback: Duration): number {
  return parseDuration(value) ?? parseDuration(fallback) ?? 0
}

/** An instant as RFC 3339; a number of ms that no Date can hold is shown as it is. */
export function instant(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : `${ms} ms`
}
