/**
 * `bucket-index.json.gz`, as the compactors of Cortex and Mimir write it for each tenant (`pkg/storage/tsdb/bucketindex/index.go` of either):
 * gzip of JSON, versions 1 and 2, times of blocks in ms and all others in seconds. Whatever is not named here is ignored.
 */
import { BlockgateError, type BlockId, isBlockId, rawMessageOf } from 'blockgate'
import { parseJson } from 'blockgate/tsdb'
import * as v from 'valibot'
import { through } from '../catalogue/through.ts'

export interface Indexed {
  readonly id: BlockId
  readonly minTime: number
  readonly maxTime: number
  /** When meta.json was written, ms. */
  readonly uploaded: number
  /** Ms; undefined without a deletion mark. */
  readonly deletionTime: number | undefined
}

export interface BucketIndex {
  /** Ms since the epoch. */
  readonly updated: number
  readonly blocks: readonly Indexed[]
  /** Entries that are none. */
  readonly wrong: number
}

/** The latest second that is a time: of the year 275760. */
const LAST = 8.64e12
const seconds = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(LAST))
const id = v.custom<BlockId>(text => typeof text === 'string' && isBlockId(text))
const list = v.nullish(v.array(v.unknown()), [])
const index = v.object({
  version: v.picklist([1, 2]),
  blocks: list,
  block_deletion_marks: list,
  updated_at: seconds,
})
const block = v.object({
  block_id: id,
  min_time: v.pipe(v.number(), v.safeInteger()),
  max_time: v.pipe(v.number(), v.safeInteger()),
  uploaded_at: v.optional(seconds, 0),
})
const mark = v.object({ block_id: id, deletion_time: seconds })

/** @throws BlockgateError `bucket-index-corrupt`; one entry that is wrong is counted, and fails nothing */
export async function parseIndex(packed: Uint8Array, limit: number): Promise<BucketIndex> {
  try {
    const text = await through(packed, new DecompressionStream('gzip'), limit)
    const { success, output, issues } = v.safeParse(index, parseJson(text), { abortEarly: true })
    if (!success) throw new Error(`must have version, blocks and updated_at: ${issues[0].message}`)
    const marks = new Map<BlockId, number>()
    const blocks = new Map<BlockId, Indexed>()
    let wrong = 0
    for (const one of output.block_deletion_marks) {
      const is = v.safeParse(mark, one)
      if (is.success) marks.set(is.output.block_id, is.output.deletion_time * 1000)
      else wrong++
    }
    for (const one of output.blocks) {
      const is = v.safeParse(block, one)
      if (!is.success || is.output.min_time > is.output.max_time || blocks.has(is.output.block_id)) {
        wrong++
        continue
      }
      const { block_id: id, min_time: minTime, max_time: maxTime, uploaded_at } = is.output
      blocks.set(id, { id, minTime, maxTime, uploaded: uploaded_at * 1000, deletionTime: marks.get(id) })
    }
    return { updated: output.updated_at * 1000, blocks: [...blocks.values()], wrong }
  } catch (cause) {
    throw new BlockgateError('bucket-index-corrupt', `bucket-index.json.gz: ${rawMessageOf(cause)}`, {
      cause,
      at: 'bucket-index',
    })
  }
}
