/** Blocks of the view that a query asks for and that are not loaded here: without them the answer would be short. */
import type { CatalogueEntry } from '../catalogue/catalogue.ts'
import type { BlockMeta } from '../contracts/block.ts'
import { isOwnershipUnavailable } from '../contracts/errors.ts'
import type { OwnershipPlugin } from '../contracts/ownership.ts'
import type { Gateway } from '../gateway.ts'
import { isWithin, restOf } from '../query/choose-blocks.ts'
import { matcher } from '../query/matchers.ts'
import type { Selection } from '../query/querier.ts'

/** The stage of an ownership plugin. */
const OWNED = 'owned'
/** Blocks that are named. */
const SHOWN = 5

/** What is missing, one sentence without a final period; undefined where all is here. */
export function missingBlocks(gateway: Gateway, { matchers, from, to }: Selection): string | undefined {
  const { plan, catalogue, readiness } = gateway
  if (!readiness.ready) return `not all blocks are known here: ${readiness.reason}`
  const loaded = plan.sink.stage.loaded()
  const ready = matchers.map(matcher)
  const missing: { readonly entry: CatalogueEntry; readonly meta: BlockMeta }[] = []
  for (const entry of catalogue.all()) {
    const { candidate, id, state, by } = entry
    if (!candidate || loaded.has(id)) continue
    // What a filter leaves out is not asked for; what ownership leaves out is another gateway's.
    if (state === 'skipped' && by !== OWNED) continue
    const { meta } = candidate
    if (meta.resolution === 0 && isWithin(meta, from, to) && restOf(ready, meta.labels)) missing.push({ entry, meta })
  }
  if (missing.length === 0) return undefined
  const shown = missing.slice(0, SHOWN).map(({ entry, meta }) => {
    const { id, reason, state } = entry
    const servers = serversOf(meta, plan.ownership)
    return `${id} (${[reason || state, ...(servers.length > 0 ? [`served by ${servers.join(' and ')}`] : [])].join(', ')})`
  })
  const text = `${missing.length} blocks of this time are not loaded here, so the answer would be short: ${shown.join(', ')}`
  return missing.length > SHOWN ? `${text}, …` : text
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
