/** Blocks of the view that a query asks for and that it is not answered from: without them the answer is short. */
import type { CatalogueEntry } from '../catalogue/catalogue.ts'
import type { BlockId, BlockMeta } from '../contracts/block.ts'
import { isOwnershipUnavailable } from '../contracts/errors.ts'
import type { OwnershipPlugin } from '../contracts/ownership.ts'
import type { LoadedBlock } from '../contracts/stage.ts'
import type { Gateway } from '../gateway.ts'
import { isWithin, labelsKey, restOf } from '../query/choose-blocks.ts'
import { matcher } from '../query/matchers.ts'
import type { Selection } from '../query/querier.ts'

/** The stage of an ownership plugin. */
const OWNED = 'owned'
/** Blocks that are named. */
const SHOWN = 5

/** Each text is one sentence without a final period; undefined where there is none. */
export interface Missing {
  /** Of blocks that are not loaded here. */
  readonly notHere: string | undefined
  /** Those among them that this gateway may be about to load: first those that wait for their turn, then those that were another's. */
  readonly pending: readonly BlockId[]
  /** True where one of them has failed, or waits: the next run tries it again. */
  readonly isRetried: boolean
  /** Of times of which there are downsampled blocks alone: their samples are none that Prometheus knows. */
  readonly coarse: string | undefined
}

interface Found {
  readonly entry: CatalogueEntry
  readonly meta: BlockMeta
}

export function missingBlocks(gateway: Gateway, { matchers, from, to }: Selection): Missing {
  const { plan, catalogue, readiness } = gateway
  if (!readiness.ready && !readiness.known) {
    return {
      notHere: `not all blocks are known here: ${readiness.reason}`,
      pending: [],
      isRetried: false,
      coarse: undefined,
    }
  }
  const loaded = plan.sink.stage.loaded()
  const ready = matchers.map(matcher)
  const [missing, coarse]: [Found[], Found[]] = [[], []]
  for (const entry of catalogue.all()) {
    const { candidate, id, state, by } = entry
    // Times come first: of most blocks they say that they are not asked, and all blocks are gone over for each query.
    if (!candidate || !isWithin(candidate.meta, from, to)) continue
    const { meta } = candidate
    if (meta.resolution === 0 && loaded.has(id)) continue
    // What a filter leaves out is not asked for; what ownership leaves out is another gateway's.
    if (state === 'skipped' && by !== OWNED) continue
    if (restOf(ready, meta.labels)) (meta.resolution === 0 ? missing : coarse).push({ entry, meta })
  }
  if (missing.length === 0 && coarse.length === 0)
    return { notHere: undefined, pending: [], isRetried: false, coarse: undefined }
  const covered = coverage(loaded.values())
  const notHere = missing.filter(({ meta }) => !covered(meta))
  // Where the raw blocks are missing, that is told.
  const known = coverage([...loaded.values(), ...missing])
  const alone = coarse.filter(({ meta }) => !known(meta))
  return {
    isRetried: notHere.some(({ entry: { state } }) => state === 'failed' || state === 'pending'),
    pending: ['pending', 'skipped'].flatMap(wanted =>
      notHere.flatMap(({ entry: { id, state } }) => (state === wanted ? [id] : [])),
    ),
    notHere: told(notHere, 'are not loaded here, so the answer would be short', plan.ownership),
    coarse: told(alone, 'are downsampled and have no raw ones, so the answer is short', plan.ownership),
  }
}

/**
 * Whether raw blocks have all of a block: what it was compacted from is in them, as around a compaction, when the parent is not
 * loaded yet, or its children are gone.
 */
export function coverage(blocks: Iterable<Pick<LoadedBlock, 'meta'>>): (meta: BlockMeta) => boolean {
  const sources = new Map<string, Set<string>>()
  for (const { meta } of blocks) {
    if (meta.resolution > 0) continue
    const key = labelsKey(meta)
    const known = sources.get(key) ?? new Set()
    sources.set(key, known)
    for (const source of meta.compaction.sources) known.add(source)
  }
  return meta => {
    const known = sources.get(labelsKey(meta))
    const { sources: own } = meta.compaction
    return own.length > 0 && own.every(source => known?.has(source))
  }
}

function told(found: readonly Found[], what: string, ownership: OwnershipPlugin): string | undefined {
  if (found.length === 0) return undefined
  const shown = found.slice(0, SHOWN).map(({ entry: { id, reason, state }, meta }) => {
    const servers = serversOf(meta, ownership)
    return `${id} (${[reason || state, ...(servers.length > 0 ? [`served by ${servers.join(' and ')}`] : [])].join(', ')})`
  })
  const text = `${found.length} blocks of this time ${what}: ${shown.join(', ')}`
  return found.length > SHOWN ? `${text}, …` : text
}

/** The members that serve a block, with their addresses; none where that is not known. */
function serversOf(meta: BlockMeta, { handover }: OwnershipPlugin): readonly string[] {
  if (!handover) return []
  try {
    const addresses = new Map(handover.members().map(({ id, address }) => [id, address]))
    return handover
      .owners(meta)
      .filter(({ serves, live }) => serves && live)
      .map(({ member }) => {
        const address = addresses.get(member)
        return address === undefined ? member : `${member} at ${address}`
      })
  } catch (error) {
    if (isOwnershipUnavailable(error)) return []
    throw error
  }
}
