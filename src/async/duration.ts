/** Durations as Prometheus' users write them. */

/** '250ms', '30s', '3m', '24h', '90d', '2w'; a number is milliseconds. */
export type Duration = string | number

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

/** Milliseconds, or undefined where `value` is not a finite duration >= 0. */
export function parseDuration(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? value : undefined
  if (typeof value !== 'string') return undefined
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/.exec(value)
  if (!match) return undefined
  return Number(match[1]) * (UNITS[match[2] ?? ''] ?? Number.NaN)
}

/** What `must` says of a bad duration. */
export const DURATION_MUST = "be a duration such as '250ms', '30s', '3m', '24h' or '90d', or a number of ms >= 0"

/** Milliseconds of an option that `check()` has passed already; `fallback` where the option is absent. */
export function durationMs(value: Duration | undefined, fallback: Duration): number {
  return parseDuration(value) ?? parseDuration(fallback) ?? 0
}
