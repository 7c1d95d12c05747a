/** Which blocks are worth loading ahead: what a byte of each is expected to save. */
import type { BlockMeta } from 'blockgate'

const HOUR = 3_600_000
/** Most queries ask for the newest data. */
const NEWEST = 48 * HOUR
const HALF_LIFE = 7 * 24 * HOUR
const COLDEST = 0.05
/** What a block costs that is not there: ms of round trips, and bytes a millisecond. */
const ROUND_TRIPS = 100
const RATE = 50_000
const SMALLEST = 4_096

/**
 * How often the block is asked for, against the newest ones. No member tells how often its blocks are asked, so this is only by their age:
 * 1 for the newest 48 hours, then half with each week.
 */
export function heatOf({ maxTime }: Pick<BlockMeta, 'maxTime'>, now: number): number {
  const older = Math.max(0, now - maxTime - NEWEST)
  return Math.max(COLDEST, 0.5 ** (older / HALF_LIFE))
}

/** @param chance that the block comes here, from 0 to 1 */
export function scoreOf(chance: number, heat: number, bytes: number): number {
  const missMs = ROUND_TRIPS + bytes / RATE
  return (chance * heat * missMs) / Math.max(SMALLEST, bytes)
}

/** The chance that at least one of them happens. */
export function anyOf(chances: readonly number[]): number {
  return 1 - chances.reduce((none, chance) => none * (1 - chance), 1)
}

/** Bytes of a block's index, of which its header is a part. */
export function indexBytesOf({ files }: Pick<BlockMeta, 'files'>): number {
  return files.find(({ path }) => path === 'index')?.size ?? 0
}
