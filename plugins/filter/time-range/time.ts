/** Times as people write them in a config. */

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/

/** Milliseconds since the epoch of an RFC 3339 time or a finite number of ms; undefined where `value` is neither. */
export function parseTime(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  const match = typeof value === 'string' ? RFC3339.exec(value) : null
  if (!match || !isDay(Number(match[1]), Number(match[2]), Number(match[3]))) return undefined
  return Date.parse(match[0])
}

/** Date.parse takes February 30 for March 2; a config that says so is wrong. */
function isDay(year: number, month: number, day: number): boolean {
  if (month < 1 || month > 12 || day < 1) return false
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
  const days = month === 2 ? (leap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31
  return day <= days
}
