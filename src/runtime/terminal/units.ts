/** Numbers as a person reads them. */

/** `12 B`, `1.5 kB`, `12.3 GB`: decimal, as object stores bill. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
  let value = bytes
  let at = 0
  // 999,950 would be shown as 1000.0 kB.
  while (at < units.length - 1 && value >= (at === 0 ? 1000 : 999.95)) {
    value /= 1000
    at++
  }
  return `${at === 0 ? value : value.toFixed(1)} ${units[at]}`
}

/** `0.4 s`, `42 s`, `3 min 5 s`, `2 h 10 min`. */
export function timeText(ms: number): string {
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`
  const s = Math.round(ms / 1000)
  if (s < 60) return `${s} s`
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`
  const min = Math.round(s / 60)
  return `${Math.floor(min / 60)} h ${min % 60} min`
}

/** `50,000`. */
export function countText(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ',')
}
