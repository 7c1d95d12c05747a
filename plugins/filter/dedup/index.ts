/** Skips blocks whose samples a compacted block holds as well. */
import type { BlockId, BlockMeta, Selection, SetStage } from 'blockgate'

/**
 * Skips as `duplicate` every block whose sources are all among the sources of one other block with the same resolution
 * and the same external labels, and names that block in `supersededBy`. The order of the list stays. The algorithm is
 * Thanos' (`DefaultDeduplicateFilter` in `pkg/block/fetcher.go`): of equal sets of sources the smallest ULID stays;
 * several blocks together never cover one; time ranges do not count.
 *
 * @example dedup()
 */
export function dedup(): SetStage {
  return {
    kind: 'set',
    name: 'dedup',
    select(blocks) {
      const groups = new Map<string, BlockMeta[]>()
      for (const { meta } of blocks) {
        const key = groupKey(meta)
        const group = groups.get(key)
        if (group) group.push(meta)
        else groups.set(key, [meta])
      }
      const coveredBy = new Map<BlockId, BlockId>()
      for (const group of groups.values()) cover(group, coveredBy)
      return blocks.map(({ meta }) => selection(meta.ulid, coveredBy.get(meta.ulid)))
    },
  }
}

function selection(id: BlockId, supersededBy: BlockId | undefined): Selection {
  return supersededBy === undefined ? { id } : { id, skip: 'duplicate', supersededBy }
}

function groupKey(meta: BlockMeta): string {
  const labels = Object.entries(meta.labels).sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify([meta.resolution, labels])
}

interface Accepted {
  readonly id: BlockId
  readonly sources: ReadonlySet<BlockId>
}

/**
 * Walks the group from most sources to fewest. Comparing each block with every accepted one is quadratic, and a bucket
 * of 50,000 uncompacted blocks is one group: only those that share the block's rarest source can cover it.
 */
function cover(group: readonly BlockMeta[], coveredBy: Map<BlockId, BlockId>): void {
  const all: Accepted[] = []
  const bySource = new Map<BlockId, Accepted[]>()
  for (const { ulid, compaction } of [...group].sort(bySize)) {
    const parent = rarest(compaction.sources, bySource, all).find(accepted =>
      compaction.sources.every(source => accepted.sources.has(source)),
    )
    if (parent) {
      coveredBy.set(ulid, parent.id)
      continue
    }
    const accepted = { id: ulid, sources: new Set(compaction.sources) }
    all.push(accepted)
    for (const source of accepted.sources) {
      const holders = bySource.get(source)
      if (holders) holders.push(accepted)
      else bySource.set(source, [accepted])
    }
  }
}

/** The shortest list of accepted blocks that must hold any block covering these sources, in the order of acceptance. */
function rarest(
  sources: readonly BlockId[],
  bySource: ReadonlyMap<BlockId, readonly Accepted[]>,
  all: readonly Accepted[],
): readonly Accepted[] {
  let shortest = all
  for (const source of sources) {
    const holders = bySource.get(source) ?? []
    if (holders.length < shortest.length) shortest = holders
  }
  return shortest
}

function bySize(a: BlockMeta, b: BlockMeta): number {
  return b.compaction.sources.length - a.compaction.sources.length || (a.ulid < b.ulid ? -1 : 1)
}
