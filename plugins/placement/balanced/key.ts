/** What a block is placed by: one of its sources, so that a compacted block comes where one of its parents is. */
import type { BlockId, BlockMeta } from 'blockgate'
import { fmix32, type Seed, seedOfText, seedOfWords, ulidWords } from 'blockgate/members'

/** The label by which Mimir's compactor tells the shards of one split apart: all of them have the same sources. */
const SHARD = '__compactor_shard_id__'

const words = new Uint32Array(4)

/** What of a meta decides where the block is. */
export type PlacedBlock = Pick<BlockMeta, 'ulid' | 'labels' | 'resolution' | 'compaction'>

/**
 * The source with the least hash of its ULID without the first four bytes; of two the smaller id; the block itself where it has no sources. The
 * source of a compacted block is then that of one of its parents, whatever those are: the least of all is the least of its part. The
 * more sources a parent brings, the likelier it is that one.
 */
export function leadOf({ ulid, compaction: { sources } }: PlacedBlock): BlockId {
  let lead = ulid
  let least = Number.POSITIVE_INFINITY
  for (const source of sources) {
    ulidWords(source, words)
    const hash = fmix32((words[3] ?? 0) ^ fmix32((words[2] ?? 0) ^ fmix32(words[1] ?? 0))) >>> 0
    if (hash > least || (hash === least && source >= lead)) continue
    least = hash
    lead = source
  }
  return lead
}

/**
 * The seed for rendezvous: as that of the lead itself for a raw block, and another one for each resolution and each shard, because these
 * have the same sources and would else all be in one place.
 */
export function seedOf(block: PlacedBlock): Seed {
  const { a, b } = seedOfWords(ulidWords(leadOf(block), words))
  const shard = block.labels[SHARD]
  const parts = shard === undefined ? { a: 0, b: 0 } : seedOfText(shard)
  const level = block.resolution === 0 ? 0 : fmix32(block.resolution)
  return { a: a ^ parts.a ^ level, b: b ^ parts.b }
}

/** 53 bits of the seed: under it a block stands in the published placement. Two blocks of one key have the same owners: no harm is done. */
export function keyOf({ a, b }: Seed): number {
  return (a >>> 0) * 2 ** 21 + (b >>> 11)
}
