/**
 * What was converted: an object `[<hash>/]<year>/<month>/<day>/meta.pb` for each UTC day and each set of external labels. Format:
 * `proto/metapb/meta.proto` and `schema` of github.com/thanos-io/thanos-parquet-gateway.
 */
import { BlockgateError, type BlockId, type BlockMeta, type BucketReader, ErrorCode, eachBounded } from 'blockgate'
import { ulid } from 'blockgate/tsdb'
import * as v from 'valibot'
import { stringsOf } from './proto.ts'

/** Of each block that some day's file names, these days, counted from 1970. */
export type ConvertedDays = ReadonlyMap<BlockId, ReadonlySet<number>>

const DAY_MS = 86_400_000
/** Years, months and days with slashes or dashes; files of parts of a day lie deeper, and stand for no whole day. */
const META = /(?:^|\/)(\d{4})[/-](\d{1,2})[/-](\d{1,2})\/meta\.pb$/
const MAX_BYTES = 64 * 1024 * 1024
const READS_AT_ONCE = 16
/** `repeated string convertedFromBLIDs` */
const CONVERTED_FROM = 6

/** Whether every day that the block touches is one of `days`. */
export function isConverted({ minTime, maxTime }: BlockMeta, days: ReadonlySet<number> | undefined): boolean {
  if (!days) return false
  const first = Math.floor(minTime / DAY_MS)
  // The end is exclusive, but of a block with one sample.
  const last = Math.floor(Math.max(minTime, maxTime - 1) / DAY_MS)
  for (let day = first; day <= last; day++) if (!days.has(day)) return false
  return true
}

/** Files that have not changed are not read again. */
export class Conversions {
  #known = new Map<string, { readonly etag: string; readonly ids: readonly BlockId[] }>()

  /** @throws BlockgateError what the bucket threw, or `corrupt-block` for a file that is none */
  async read(bucket: BucketReader, signal: AbortSignal): Promise<ConvertedDays> {
    const found = await filesOf(bucket, signal)
    const read = await eachBounded(found, READS_AT_ONCE, async ({ key, etag, day }) => {
      const known = this.#known.get(key)
      return { key, etag, day, ids: known?.etag === etag ? known.ids : await idsOf(bucket, key, signal) }
    })
    this.#known = new Map(read.map(({ key, etag, ids }) => [key, { etag, ids }]))
    const days = new Map<BlockId, Set<number>>()
    for (const { day, ids } of read) {
      for (const id of ids) days.set(id, (days.get(id) ?? new Set()).add(day))
    }
    return days
  }
}

async function filesOf(bucket: BucketReader, signal: AbortSignal) {
  const found: { readonly key: string; readonly etag: string; readonly day: number }[] = []
  let cursor: string | undefined
  do {
    const page = await bucket.list('', { cursor, signal })
    for (const { error } of page.unreadable ?? []) throw error
    for (const { key, etag } of page.objects) {
      const [year, month, date] = (META.exec(key) ?? []).slice(1).map(Number)
      if (year === undefined || month === undefined) continue
      found.push({ key, etag, day: Math.floor(Date.UTC(year, month - 1, date) / DAY_MS) })
    }
    cursor = page.cursor
  } while (cursor !== undefined)
  return found
}

async function idsOf(bucket: BucketReader, key: string, signal: AbortSignal): Promise<readonly BlockId[]> {
  await using body = await bucket.get(key, { signal })
  // Gone since it was listed: the day counts as not converted.
  if (!body) return []
  try {
    return stringsOf(await body.bytes(MAX_BYTES), CONVERTED_FROM).map(id => v.parse(ulid, id))
  } catch (error) {
    if (error instanceof BlockgateError) throw error
    const text = `${key}: must be the metadata of a parquet block, with ULIDs in field ${CONVERTED_FROM}`
    throw new BlockgateError(ErrorCode.corruptBlock, text, { cause: error })
  }
}
