/** Skips blocks whose samples a compacted block holds as well. */
import {
  type BlockId,
  BlockMap,
  type BlockMeta,
  checkOptions,
  type Host,
  inSlices,
  type Selection,
  type SetStage,
  sortInSlices,
} from 'blockgate'

/**
 * Skips as `duplicate` every block that one other block holds as a whole, and names that one in `supersededBy`: it has all
 * the block's sources, spans its time, and has the same external labels, resolution and variant. A block without sources is
 * held by nobody, and several blocks together never hold one. Of blocks that are equal in all that, the smallest ULID
 * stays. The order of the list stays. The README says where Thanos' `DefaultDeduplicateFilter` differs.
 *
 * @example dedup()
 */
export function dedup(options: Readonly<Record<string, never>> = {}): SetStage {
  let host: Host | undefined
  return {
    kind: 'set',
    name: 'dedup',
    check: () => checkOptions(options, {}),
    async start(services) {
      host = services.host
    },
    async select(blocks) {
      const groups = new Map<string, Block[]>()
      await inSlices(host, blocks, ({ meta }) => {
        if (meta.compaction.sources.length > 0) push(groups, groupKey(meta), blockOf(meta))
      })
      const coveredBy = new BlockMap<BlockId>()
      for (const group of groups.values()) await cover(host, group, coveredBy)
      const selections: Selection[] = []
      await inSlices(host, blocks, ({ meta: { ulid: id } }) => {
        const supersededBy = coveredBy.get(id)
        selections.push(supersededBy === undefined ? { id } : { id, skip: 'duplicate', supersededBy })
      })
      return selections
    },
  }
}

function groupKey({ labels, resolution, variant }: BlockMeta): string {
  const names = Object.keys(labels)
  // Go writes them in order: so many sorts would be most of what is done here.
  for (let i = 1; i < names.length; i++) {
    if ((names[i - 1] as string) < (names[i] as string)) continue
    names.sort()
    break
  }
  return JSON.stringify([resolution, names.map(name => [name, labels[name]]), variant])
}

interface Block extends Pick<BlockMeta, 'ulid' | 'minTime' | 'maxTime'> {
  readonly sources: readonly BlockId[]
  /** The sources, where there are more than one. */
  readonly many: ReadonlySet<BlockId> | undefined
}

/** Most blocks have one source, and a set or a function for each of them would be most of what a run leaves behind. */
function blockOf({ ulid, minTime, maxTime, compaction: { sources } }: BlockMeta): Block {
  if (sources.length === 1) return { ulid, minTime, maxTime, sources, many: undefined }
  const many = new Set(sources)
  return { ulid, minTime, maxTime, sources: [...many], many }
}

/**
 * Walks the group from those that can hold others to those that cannot. Comparing each block with every accepted one is
 * quadratic, and a bucket of 50,000 uncompacted blocks is one group: only those that share the block's rarest source can
 * hold it.
 */
async function cover(host: Host | undefined, group: readonly Block[], coveredBy: Map<BlockId, BlockId>): Promise<void> {
  const bySource = new BlockMap<Block[]>()
  await inSlices(host, await sortInSlices(host, group, byReach), block => {
    const parent = rarest(block.sources, bySource).find(accepted => holds(accepted, block))
    if (parent) coveredBy.set(block.ulid, parent.ulid)
    else for (const source of block.sources) push(bySource, source, block)
  })
}

function holds(parent: Block, child: Block): boolean {
  const { many, sources } = parent
  const hasSource = (source: BlockId) => (many ? many.has(source) : source === sources[0])
  return parent.minTime <= child.minTime && parent.maxTime >= child.maxTime && child.sources.every(hasSource)
}

/** The shortest list of accepted blocks that must have any block holding these sources, in the order of acceptance. */
function rarest(sources: readonly BlockId[], bySource: ReadonlyMap<BlockId, readonly Block[]>): readonly Block[] {
  const lists = sources.map(source => bySource.get(source) ?? [])
  return lists.reduce((shortest, list) => (list.length < shortest.length ? list : shortest))
}

/** A block that holds another one has more sources, or as many and at least its time. */
function byReach(a: Block, b: Block): number {
  return (
    b.sources.length - a.sources.length || b.maxTime - b.minTime - (a.maxTime - a.minTime) || (a.ulid < b.ulid ? -1 : 1)
  )
}

function push<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key)
  if (list) list.push(value)
  else lists.set(key, [value])
}
