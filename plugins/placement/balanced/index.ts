/** Placement by bytes: rendezvous hashing, and a small published table of the blocks that must be elsewhere for an even share. */
import {
  type BlockId,
  type BlockMeta,
  checkOptions,
  type Duration,
  durationMs,
  durationOption,
  type Problem,
} from 'blockgate'
import { type PlacedMember, type Placement, type Ranking, rendezvousRanks } from 'blockgate/plugins/ownership/hash-ring'
import * as v from 'valibot'
import { keyOf, leadOf, type PlacedBlock, seedOf } from './key.ts'
import { BalancePublisher } from './publisher.ts'
import { decode, type Named } from './table.ts'

export interface BalancedOptions {
  /** No member is to have more than this above the mean of the bytes, from 0.02 to 1: 0.1 means 110 % of the mean. Default 0.1. */
  readonly within?: number | undefined
  /**
   * At most one placement is published in this time, and only once the members were the same for as long. At least what blocks take
   * to move. Default '5m'.
   */
  readonly every?: Duration | undefined
  /** Which bytes: all of a block's files, or its index alone, which is what an index-header grows with. Default 'block'. */
  readonly weight?: 'block' | 'index' | undefined
}

/**
 * Rendezvous by a source of the block instead of its id, so that a compacted block is placed where one of its parents is; and over it a
 * table, published in the member store as an epoch of its own, of the blocks that are elsewhere so that every member has about the same
 * bytes. Whatever the table does not name, and everything where it is missing or cannot be read, is where rendezvous puts it.
 *
 * @example hashRing({ store, placement: balanced({ within: 0.1 }) })
 */
export function balanced(options: BalancedOptions = {}): Placement {
  const { within = 0.1, every, weight = 'block' } = options ?? {}
  const unpublished: Placement = { name: 'balanced', fingerprint: 'balanced/1', prepare: members => rank(members) }
  return {
    ...unpublished,
    options,
    check: () => checkBalanced(options),
    prepare: (members, published) => rank(members, published === undefined ? undefined : decode(published)),
    publisher: ring =>
      new BalancePublisher({
        ...ring,
        ...{ within, unpublished },
        everyMs: durationMs(every, '5m'),
        bytesOf: weight === 'index' ? indexBytes : blockBytes,
      }),
  }
}

/** Members that a name gives and that are gone are left out; where none is left, rendezvous decides. */
function rank(members: readonly PlacedMember[], named: Named = new Map()): Ranking {
  const ranks = rendezvousRanks(members)
  const present = new Set(members.map(({ id }) => id))
  const namedFor = (key: number) => named.get(key)?.filter(id => present.has(id)) ?? []
  return {
    *rank(id, block: PlacedBlock = withoutSources(id)) {
      const seed = seedOf(block)
      const first = namedFor(keyOf(seed))
      yield* first
      for (const member of ranks(seed)) if (!first.includes(member)) yield member
    },
    why(block) {
      if (namedFor(keyOf(seedOf(block))).length > 0) return 'the published placement names it: balanced by bytes'
      const lead = leadOf(block)
      return lead === block.ulid
        ? 'by rendezvous'
        : `with its source ${lead}, by rendezvous: where one of its parents was`
    },
  }
}

function withoutSources(ulid: BlockId): PlacedBlock {
  return { ulid, labels: {}, resolution: 0, compaction: { level: 1, sources: [] } }
}

function blockBytes({ files }: BlockMeta): number {
  return files.reduce((sum, { size }) => sum + size, 0) || 1
}

function indexBytes({ files }: BlockMeta): number {
  return files.find(({ path }) => path === 'index')?.size || 1
}

function checkBalanced(options: BalancedOptions): readonly Problem[] {
  return checkOptions(options, {
    within: v.optional(v.pipe(v.number(), v.minValue(0.02, 'be >= 0.02'), v.maxValue(1, 'be <= 1'))),
    every: v.optional(durationOption),
    weight: v.optional(v.picklist(['block', 'index'], "be 'block' or 'index'")),
  })
}
