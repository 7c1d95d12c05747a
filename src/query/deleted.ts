/**
 * What was deleted of a block while its chunks still have it: Prometheus writes it into the file `tombstones` (the API
 * `/api/v1/admin/tsdb/delete_series`), and leaves it out of chunks when it compacts the block.
 */
import type { BlockReader } from '../contracts/stage.ts'
import { readTombstones } from '../tsdb/series.ts'
import type { Budget } from './limits.ts'

/** Of one series: first and last time of each, both inclusive, ms; by time, and apart from one another. */
export type Deleted = readonly { readonly from: number; readonly to: number }[]

/** By the reference of a series. */
export type Deletions = ReadonlyMap<number, Deleted>

const FILE = 'tombstones'
/** Of a file that names nothing. */
const EMPTY_BYTES = 9
const NONE: Deletions = new Map()

/**
 * Blocks of Thanos have no such file, and most blocks of Prometheus one that names nothing: these are
 * not read.
 *
 * @throws BlockgateError `corrupt-block`, `query-too-large`, or what the reader throws
 */
export async function readDeleted(
  { meta, files }: BlockReader,
  { budget, signal }: { readonly budget: Budget; readonly signal: AbortSignal },
): Promise<Deletions> {
  const size = meta.files.find(({ path }) => path === FILE)?.size ?? 0
  if (size <= EMPTY_BYTES) return NONE
  budget.take('bytes', size)
  const stones = readTombstones(await files.read(FILE, 0, size, signal), `${meta.ulid}/${FILE}`)
  return new Map([...stones].map(([ref, list]) => [ref, joined(list)]))
}

/** Those that touch or overlap are one: a chunk that two of them cover together is deleted whole. */
function joined(list: Deleted): Deleted {
  const all: { from: number; to: number }[] = []
  for (const { from, to } of [...list].sort((a, b) => a.from - b.from)) {
    const before = all.at(-1)
    if (before && from <= before.to + 1) before.to = Math.max(before.to, to)
    else all.push({ from, to })
  }
  return all
}

/** Whether all of the time is deleted. */
export function isDeleted(deleted: Deleted, from: number, to: number): boolean {
  return deleted.some(each => each.from <= from && to <= each.to)
}

/** Those of the time; undefined where there are none. */
export function deletedWithin(deleted: Deleted | undefined, from: number, to: number): Deleted | undefined {
  const within = deleted?.filter(each => each.from <= to && from <= each.to)
  return within && within.length > 0 ? within : undefined
}
