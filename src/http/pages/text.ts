/** Numbers and times as a page shows them. */

/** The farthest a Date goes. */
const MAX_DATE = 8.64e15

/** `2026-10-01 02:00:00Z`; blocks may say any number of ms. */
export function timeText(ms: number | null): string {
  if (ms === null) return '–'
  if (!Number.isFinite(ms) || Math.abs(ms) > MAX_DATE) return String(ms)
  return new Date(ms)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z')
}

/** `850 ms`, `12.3 s`, `4 min`, `3 h 20 min`, `2 d 5 h` */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** `1 B`, `12.3 kB`, `4.5 GB` */
export function bytesText(bytes: number): string {
  let value = bytes
  for (const unit of ['B', 'kB', 'MB', 'GB']) {
    if (value < 1_000) return `${unit === 'B' ? value : value.toFixed(1)} ${unit}`
    value /= 1_000
  }
  return `${value.toFixed(1)} TB`
}

export function yesNo(flag: boolean): string {
  return flag ? 'yes' : 'no'
}
