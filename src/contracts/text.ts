/** Values as a person reads them: on a terminal, on a page, in a log. */

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

/** How even the shares are: `the most is 1.08 times the mean`; undefined where there is nothing to compare. */
export function spreadText(shares: readonly number[]): string | undefined {
  const sum = shares.reduce((a, b) => a + b, 0)
  if (shares.length < 2 || sum === 0) return undefined
  return `the most is ${((Math.max(...shares) * shares.length) / sum).toFixed(2)} times the mean`
}

/** `0.4 s`, `42 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`. */
export function timeText(ms: number): string {
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`
  const s = Math.round(ms / 1000)
  if (s < 60) return `${s} s`
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`
  const min = Math.round(s / 60)
  if (min < 1440) return `${Math.floor(min / 60)} h ${min % 60} min`
  const h = Math.round(min / 60)
  return `${Math.floor(h / 24)} d ${h % 24} h`
}

const UNITS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 }

/** `90d`, `36h`, `1m 30s`: exact, in the units of a config. */
export function durationText(ms: number): string {
  let rest = Math.abs(ms)
  const parts: string[] = []
  for (const [unit, size] of Object.entries(UNITS)) {
    const n = Math.floor(rest / size)
    if (n > 0) parts.push(`${n}${unit}`)
    rest -= n * size
  }
  return (ms < 0 ? '-' : '') + (parts.join(' ') || '0s')
}

/** `512KiB`, `1GiB`, `1000` where it is no whole number of KiB: exact, in the units of a config. */
export function sizeText(bytes: number): string {
  let rest = bytes
  let at = 0
  while (at < 4 && rest > 0 && rest % 1024 === 0) {
    rest /= 1024
    at++
  }
  return at === 0 ? String(rest) : `${rest}${' KMGT'[at]}iB`
}

/** `50,000`. */
export function countText(n: number): string {
  return n.toLocaleString('en')
}

/** `1 block`, `2 blocks` */
export function countOf(n: number, noun: string): string {
  return `${countText(n)} ${noun}${n === 1 ? '' : 's'}`
}

/** `{cluster="eu", replica="a"}` */
export function labelsText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  return `{${pairs.join(', ')}}`
}
