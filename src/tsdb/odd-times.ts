/** Times of a block that cannot be right: seconds in place of milliseconds, or years ahead. */
import { blockIdTime } from '../contracts/block.ts'
import { instant } from '../contracts/duration.ts'
import { complaint } from './go-json.ts'
import type { ParsedMeta } from './meta.ts'

/** A sentence for each time that cannot be right; `now` in ms since the epoch. Empty for nearly every block. */
export function oddTimes(
  { meta, uploaded = 0 }: Pick<ParsedMeta, 'meta'> & Partial<ParsedMeta>,
  now: number,
): string[] {
  const { ulid, minTime, maxTime } = meta
  const odd: string[] = []
  for (const [path, time] of [
    ['minTime', minTime],
    ['maxTime', maxTime],
  ] as const) {
    if (looksLikeSeconds(time)) odd.push(complaint('meta.json', path, 'be in milliseconds', time))
  }
  if (maxTime > LATEST) odd.push(complaint('meta.json', 'maxTime', 'be in milliseconds', maxTime))
  else if (maxTime > now + AHEAD) odd.push(future('maxTime', maxTime))
  if (uploaded > now + SKEW) odd.push(complaint('meta.json', 'thanos.upload_time', NOT_YET, instant(uploaded)))
  const made = blockIdTime(ulid)
  if (made > now + SKEW) odd.push(future('ulid', made, ulid))
  return odd
}

const NOT_YET = 'not be in the future'
/** Clocks differ by less. */
const SKEW = 10 * 60_000
/** The range of a block may reach to its end before its samples do. */
const AHEAD = 24 * 3_600_000
/** The years 1985 and 5138 in seconds; in milliseconds they are January 1970 and March 1973. */
const EARLIEST_SECONDS = 500_000_000
const LATEST_SECONDS = 100_000_000_000
const LATEST = LATEST_SECONDS * 1000

function looksLikeSeconds(time: number): boolean {
  return time >= EARLIEST_SECONDS && time < LATEST_SECONDS
}

function future(path: string, time: number, value: unknown = time): string {
  return complaint('meta.json', path, `${NOT_YET} (${instant(time)})`, value)
}
