/** What a look at new blocks changes of a view. */
import { inSlices } from '../async/slices.ts'
import type { Candidate } from '../contracts/block.ts'
import { BlockMap } from '../contracts/block-map.ts'
import { ErrorCode } from '../contracts/errors.ts'
import type { Outcome, PartialBlock, Tail } from '../contracts/stage.ts'
import { unchanged } from '../pipeline/outcome.ts'

/**
 * Takes what a look at new blocks shows together with what was there before. Where a block is new, or not as it was, or where a stage
 * may now say something else, all blocks are to go through all stages: a set stage must see them all. Else only those are offered to the add
 * whose last verdict does not stand.
 */
export const compareTail: Tail['compare'] = async (next, { view, changes }, { host, plan }, now) => {
  const { seen } = view
  const fresh = new BlockMap<Candidate>()
  const partial = new BlockMap<PartialBlock>()
  for (let page = await next(); page; page = await next()) {
    await inSlices(host, page.blocks, block => {
      const id = block.meta.ulid
      if (!isSame(seen.get(id), block)) fresh.set(id, block)
    })
    for (const block of page.partial) if (!seen.has(block.id)) partial.set(block.id, block)
  }
  let moved = fresh.size > 0
  for (const { id, reason } of partial.values()) moved ||= view.partial.get(id)?.reason !== reason
  for (const [id, block] of view.partial) if (!fresh.has(id) && !partial.has(id)) partial.set(id, block)
  const last = new Set([...(plan.segments.at(-1)?.stages ?? []), plan.sink].map(({ name }) => name))
  const loaded = plan.sink.stage.loaded()
  const watched = plan.ownership.watch !== undefined
  const blocks = [...fresh.values()]
  const outcomes = new BlockMap<Outcome>()
  await inSlices(host, seen, ([id, block]) => {
    if (fresh.has(id)) return
    blocks.push(block)
    const outcome = view.outcomes.get(id)
    const isAffected = () => changes.affects(block.meta)
    if (outcome && stands(outcome, { isLoaded: loaded.has(id), isAffected, watched, now })) {
      outcomes.set(id, outcome.kind === 'added' ? unchanged : outcome)
    } else moved ||= !outcome || ('by' in outcome && !last.has(outcome.by))
  })
  if (moved) return { all: { blocks, partial: [...partial.values()] }, kept: {} }
  return { all: undefined, kept: { ...view, listed: 'new', came: 0, outcomes } }
}

function isSame(a: Candidate | undefined, b: Candidate): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

interface Now {
  readonly isLoaded: boolean
  readonly isAffected: () => boolean
  readonly watched: boolean
  readonly now: number
}

/** None of those who were asked about the block can say something else now. `watched`: ownership tells of its changes. */
function stands(outcome: Outcome, { isLoaded, isAffected, watched, now }: Now): boolean {
  if (outcome.kind === 'failed' || outcome.kind === 'passed') return false
  if (outcome.kind !== 'skipped') return isLoaded && !isAffected()
  if (RETRIED.has(outcome.reason) || (outcome.recheck && isAffected())) return false
  // A loaded block is handed over in the epoch of its last denial: a later one may be needed.
  if (outcome.epoch !== undefined) return watched && !isLoaded
  return (outcome.until ?? now) > now
}

/** Nobody tells when an answer, room or a lease is to be had again. */
const RETRIED: ReadonlySet<string> = new Set([
  ErrorCode.ownershipUnavailable,
  ErrorCode.diskBudget,
  ErrorCode.leaseLost,
])
