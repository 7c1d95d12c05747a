/** What is to be warm now, by score and within the budget. */
import {
  type BlockId,
  BlockMap,
  type BlockMeta,
  type Candidate,
  type Handover,
  inSlices,
  isOwnershipUnavailable,
  type PrewarmServices,
  sortInSlices,
} from 'blockgate'
import type { Leaving } from './leaving.ts'
import { anyOf, heatOf, indexBytesOf, scoreOf } from './score.ts'

/** A block that may come here. */
export interface Choice {
  readonly candidate: Candidate
  /** Members of which each one would leave it to this gateway. */
  readonly after: readonly string[]
}

interface Scored extends Choice {
  readonly score: number
  readonly bytes: number
}

export interface Chosen {
  /** Those that are warm, and those that are to be; by score. */
  readonly wanted: ReadonlyMap<BlockId, Choice>
  /** Warm blocks that are not to be any more. */
  readonly unwanted: readonly BlockId[]
}

/** What is warm is worth more than what would take its place, which costs a load: else blocks would come and go with each late heartbeat. */
const HELD = 8
/** Of an index is its header, until something is known. */
const USUAL_SHARE = 0.25

/**
 * Of a block that this gateway is next for only now nothing is loaded for so long, ms, while its owner is well: members that come and go
 * often are back by then, and so is who was next before.
 */
export const SETTLES = 300_000
/** The chance that an owner goes from which it is not waited. */
const SUSPECT = 0.2

export interface Chances {
  readonly leaving: Leaving
  /** Bytes in all. */
  readonly budget: number
  /** Bytes of blocks whose size is known. */
  readonly sizes: ReadonlyMap<BlockId, number>
  /** Since when this gateway is next for each block, on the monotonic clock: kept from one time to the next. */
  readonly since: Map<BlockId, number>
}

/** Undefined where it is not known which blocks there are, or who owns them. */
export async function choose(
  { host, instance, plan, runner }: PrewarmServices,
  { leaving, budget, sizes, since }: Chances,
): Promise<Chosen | undefined> {
  const { handover } = plan.ownership
  const { stage: sink } = plan.sink
  const view = runner.offers
  const held = sink.warm?.held
  if (!view || !held || !handover || handover.known?.() === false) return undefined
  const loaded = sink.loaded()
  const share = await headerShare(host, loaded.values())
  const scored: Scored[] = []
  const coming = new BlockMap<true>()
  const now = host.now()
  const at = host.monotonic()
  const before = new BlockMap<number>()
  for (const [id, time] of since) before.set(id, time)
  since.clear()
  await inSlices(host, view.offered, candidate => {
    const { meta } = candidate
    const id = meta.ulid
    const outcome = view.outcomes.get(id)
    // A stage before the ownership plugin keeps it out, or it has failed: it would not be loaded here.
    const isDenied = outcome?.kind === 'skipped' && outcome.epoch !== undefined
    if (loaded.has(id)) return
    if (held.has(id) && isMine(handover, meta, instance.id)) coming.set(id, true)
    if (!isDenied) return
    const after = handover.next?.(meta)
    if (!after || after.length === 0) return
    const bytes = held.get(id) ?? sizes.get(id) ?? indexBytesOf(meta) * share
    const chance = anyOf(after.map(member => leaving.chance(member)))
    const first = before.get(id) ?? at
    since.set(id, first)
    if (at - first < SETTLES && chance < SUSPECT && !held.has(id)) return
    const score = scoreOf(chance, heatOf(meta, now), bytes) * (held.has(id) ? HELD : 1)
    scored.push({ candidate, after, score, bytes })
  })
  const wanted = new BlockMap<Choice>()
  let room = budget
  for (const { candidate, after, bytes } of await sortInSlices(host, scored, (a, b) => b.score - a.score)) {
    if (bytes > room) continue
    room -= bytes
    wanted.set(candidate.meta.ulid, { candidate, after })
  }
  // While this member is not known to the others, nothing says who is next. One that leaves may come back, and have its blocks again.
  const isMember = handover.standing() === 'member'
  const unwanted = isMember ? [...held.keys()].filter(id => !wanted.has(id) && !coming.has(id)) : []
  return { wanted, unwanted }
}

/** It is to be loaded here, and the run for it has not come to it. */
function isMine(handover: Handover, meta: BlockMeta, me: string): boolean {
  try {
    return handover.owners(meta).some(({ member, target }) => target && member === me)
  } catch (error) {
    if (isOwnershipUnavailable(error)) return true
    throw error
  }
}

type Loaded = ReturnType<PrewarmServices['plan']['sink']['stage']['loaded']>

/** How many bytes of an index a header takes, in the blocks that are here. */
async function headerShare(host: PrewarmServices['host'], loaded: ReturnType<Loaded['values']>): Promise<number> {
  let headers = 0
  let indexes = 0
  await inSlices(host, loaded, ({ meta, bytes }) => {
    const index = indexBytesOf(meta)
    if (index > 0) headers += bytes
    indexes += index
  })
  return indexes > 0 ? headers / indexes : USUAL_SHARE
}
