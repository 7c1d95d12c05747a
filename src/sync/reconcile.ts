/**
 * What becomes of the loaded blocks at the end of a run. A loaded block is dropped only on positive knowledge: the six
 * rules of docs/architecture.md, in the order of `decide`.
 */
import { eachBounded } from '../async/each.ts'
import { type Limits, limited } from '../async/signals.ts'
import { inSlices, pause } from '../async/slices.ts'
import type { BlockId, BlockMeta } from '../contracts/block.ts'
import { BlockMap } from '../contracts/block-map.ts'
import { codeOf, ErrorCode, rawMessageOf } from '../contracts/errors.ts'
import type { Epoch } from '../contracts/ownership.ts'
import type { Plan } from '../contracts/plan.ts'
import type { AdvertisedBlocks } from '../pipeline/advertised.ts'
import type { View } from './view.ts'

export interface LoadedResult {
  readonly kind: 'dropped' | 'retained'
  readonly by: string
  readonly reason: string
}

export interface ReconcileInput extends Limits {
  readonly plan: Plan
  readonly advertised: AdvertisedBlocks
  /** This gateway's id. */
  readonly me: string
  readonly view: View
  /** Loaded blocks that the last complete view did not have; kept across runs. */
  readonly absences: Set<BlockId>
  /** What was loaded when the run began. */
  readonly before: ReadonlySet<BlockId>
  /** Loaded blocks that a person is asked about, until they are wanted again; kept across runs. */
  readonly asked: Set<BlockId>
  readonly confirmDrops: boolean
  /** Blocks found no room: a copy that one other gateway serves is enough to let go of. */
  readonly urgent: boolean
  readonly concurrency: number
  readonly signal: AbortSignal
}

/** When a person is asked: if many blocks would go for such reasons at once (`expired`: only then), or only if all would. */
type Guard = 'many' | 'all' | 'expired'

type Decision =
  | { readonly do: 'keep'; readonly guard?: never }
  | { readonly do: 'retain' | 'drop'; readonly by: string; readonly reason: string; readonly guard?: Guard }
  | {
      readonly do: 'release'
      readonly by: string
      readonly reason: string
      readonly superseding: BlockMeta
      readonly decidedIn: Epoch
      readonly whileKept: string
      readonly guard?: never
    }

interface Drop {
  readonly id: BlockId
  readonly by: string
  readonly reason: string
}

type Release = Extract<Decision, { readonly do: 'release' }> & { readonly id: BlockId }

const KEEP: Decision = { do: 'keep' }
/** More drops than this, and than a fifth of what is loaded, need a person's word. */
const FREE_DROPS = 10
/** Blocks that are withdrawn at once. */
const BATCH = 1_000

export async function reconcile(input: ReconcileInput): Promise<ReadonlyMap<BlockId, LoadedResult>> {
  const { host, plan, view, asked } = input
  const loaded = plan.sink.stage.loaded()
  /** Of the blocks that are not simply kept. */
  const decisions = new BlockMap<Decision>()
  await inSlices(host, loaded, ([id, { meta }]) => {
    const decision = decide(input, id, meta)
    if (decision.do !== 'keep') decisions.set(id, decision)
  })
  await settleSuperseded(input, decisions)
  const results = new BlockMap<LoadedResult>()
  const asks = await mustAsk(input, decisions, loaded)
  if (view.listed && view.complete) await inSlices(host, asked, id => !decisions.has(id) && asked.delete(id))
  const drops: Drop[] = []
  const releases: Release[] = []
  await inSlices(host, decisions, ([id, decision]) => {
    if (decision.do === 'keep') return
    const asksFor =
      asks !== undefined &&
      decision.do === 'drop' &&
      decision.guard !== undefined &&
      (asks === 'all' || decision.guard !== 'expired' || asked.has(id))
    if (asksFor) asked.add(id)
    else if (view.listed && view.complete) asked.delete(id)
    const { by, reason } = decision
    if (decision.do === 'retain') results.set(id, { kind: 'retained', by, reason })
    else if (!view.complete) results.set(id, { kind: 'retained', by: plan.source.name, reason: 'view-incomplete' })
    else if (asksFor) results.set(id, { kind: 'retained', by, reason: ErrorCode.dropsNeedConfirmation })
    else if (decision.do === 'release') releases.push({ id, ...decision })
    else drops.push({ id, by, reason })
  })
  await drop(input, drops, results)
  await release(input, releases, results)
  return results
}

/**
 * What a person is asked about: all that would go, where it is too much at once; else what is not expired, where all of that which was
 * loaded when the run began would go, or something that was asked about before: what was loaded since is no answer.
 */
async function mustAsk(
  { host, view, before, asked, confirmDrops }: ReconcileInput,
  decisions: Map<BlockId, Decision>,
  loaded: ReadonlyMap<BlockId, unknown>,
): Promise<'all' | 'unexpired' | undefined> {
  if (!view.complete) return undefined
  let all = true
  let some = false
  await inSlices(host, before, id => {
    const guard = decisions.get(id)?.guard
    if (guard === 'expired') return
    some = true
    all &&= !loaded.has(id) || guard !== undefined
  })
  all &&= some
  let drops = 0
  let again = false
  await inSlices(host, decisions, ([id, d]) => {
    if (!d.guard) return
    const isAsked = asked.has(id)
    // All are absent: whoever is asked looks at the bucket, no second listing need say it.
    if (all || isAsked) decisions.set(id, { ...d, do: 'drop' })
    if (d.do === 'drop' && d.guard !== 'all') drops++
    again ||= isAsked
  })
  if (confirmDrops) return undefined
  if (drops > Math.max(FREE_DROPS, loaded.size / 5)) return 'all'
  return all || again ? 'unexpired' : undefined
}

function decide({ plan, view, absences }: ReconcileInput, id: BlockId, meta: BlockMeta): Decision {
  const outcome = view.outcomes.get(id)
  if (outcome === undefined) return absent({ plan, view, absences }, id)
  if (view.listed) absences.delete(id)
  if (outcome.kind === 'failed') {
    return { do: 'retain', by: outcome.by, reason: codeOf(outcome.error) ?? ErrorCode.internal }
  }
  if (outcome.kind !== 'skipped') return KEEP
  const { by, reason } = outcome
  const parent = view.superseded.get(id)
  const { handover } = plan.ownership
  if (parent) return { ...toRelease(by, reason, parent, plan.ownership.epoch(parent)), whileKept: 'superseded' }
  if (outcome.epoch !== undefined && reason !== ErrorCode.leaseLost) {
    if (handover) return toRelease(by, reason, meta, outcome.epoch)
    return { do: 'drop', by, reason, guard: 'all' }
  }
  if (outcome.retain) return { do: 'retain', by, reason }
  return { do: 'drop', by, reason, guard: outcome.expired ? 'expired' : 'many' }
}

function toRelease(by: string, reason: string, superseding: BlockMeta, decidedIn: Epoch): Decision & { do: 'release' } {
  return { do: 'release', by, reason, superseding, decidedIn, whileKept: 'pending-hand-off' }
}

/** Not offered: gone from the bucket, or only seen in part. One listing may be wrong; two in a row are believed. */
function absent({ plan, view, absences }: Pick<ReconcileInput, 'plan' | 'view' | 'absences'>, id: BlockId): Decision {
  const by = plan.source.name
  const partial = view.partial.get(id)
  if (partial?.keep) {
    absences.delete(id)
    return { do: 'retain', by, reason: partial.reason }
  }
  // Seen but without a verdict: the run ended before it came to the block.
  if (!view.listed || view.seen.has(id)) return KEEP
  if (!view.complete) return { do: 'retain', by, reason: 'view-incomplete' }
  if (absences.has(id)) return { do: 'drop', by, reason: 'absent', guard: 'many' }
  absences.add(id)
  return { do: 'retain', by, reason: 'absent-once', guard: 'many' }
}

/** Without a handover nobody else can be asked: a child goes when its parent is served here, and stays here. */
async function settleSuperseded({ host, plan }: ReconcileInput, decisions: Map<BlockId, Decision>): Promise<void> {
  if (plan.ownership.handover) return
  const loaded = plan.sink.stage.loaded()
  await inSlices(host, decisions, ([id, decision]) => {
    if (decision.do !== 'release') return
    const { by, reason, whileKept, superseding } = decision
    const served = loaded.has(superseding.ulid) && decisions.get(superseding.ulid)?.do !== 'drop'
    decisions.set(id, served ? { do: 'drop', by, reason } : { do: 'retain', by, reason: whileKept })
  })
}

async function drop(input: ReconcileInput, drops: readonly Drop[], results: Map<BlockId, LoadedResult>): Promise<void> {
  for (let at = 0; at < drops.length; at += BATCH) await dropBatch(input, drops.slice(at, at + BATCH), results)
}

async function dropBatch(
  input: ReconcileInput,
  drops: readonly Drop[],
  results: Map<BlockId, LoadedResult>,
): Promise<void> {
  try {
    const ids = drops.map(d => d.id)
    await limited(input, input.signal, 'serve()', input.advertised.withdraw(ids, input.signal))
  } catch (error) {
    // They may still be advertised, and nobody may be told of a block that is gone: keep the blocks.
    input.host.log.warn('blocks were not withdrawn and are kept', {
      blocks: drops.length,
      code: codeOf(error),
      error: rawMessageOf(error),
    })
    for (const { id, by } of drops) results.set(id, { kind: 'retained', by, reason: ErrorCode.ownershipUnavailable })
    return
  }
  await eachBounded(drops, input.concurrency, async ({ id, by, reason }) => {
    results.set(id, await dropOne(input, id, { kind: 'dropped', by, reason }))
    await pause(input.host)
  })
}

async function release(
  input: ReconcileInput,
  releases: readonly Release[],
  results: Map<BlockId, LoadedResult>,
): Promise<void> {
  const { handover } = input.plan.ownership
  if (!handover) return
  await eachBounded(releases, input.concurrency, async ({ id, by, reason, superseding, decidedIn, whileKept }) => {
    try {
      const asked = handover.release({ id, superseding, urgent: input.urgent }, decidedIn, input.signal)
      const answer = await limited(input, input.signal, 'release()', asked)
      if (answer !== 'released') results.set(id, { kind: 'retained', by, reason: keptAs(input, id, whileKept) })
      else results.set(id, await dropOne(input, id, { kind: 'dropped', by, reason }))
    } catch (error) {
      // The answer is lost: for the peers it may be released, here it is held.
      input.host.log.warn('release failed, the block is kept', {
        block: id,
        code: codeOf(error),
        error: rawMessageOf(error),
      })
      results.set(id, { kind: 'retained', by, reason: ErrorCode.ownershipUnavailable })
    }
    await pause(input.host)
  })
}

/** Lingering, and nobody else serves it: pinned. */
function keptAs({ plan, me }: ReconcileInput, id: BlockId, reason: string): string {
  const meta = plan.sink.stage.loaded().get(id)?.meta
  if (reason !== 'pending-hand-off' || !meta) return reason
  const others = plan.ownership.handover?.owners(meta).some(o => o.member !== me && o.live && o.serves)
  return others ? reason : 'last-copy'
}

async function dropOne(input: ReconcileInput, id: BlockId, result: LoadedResult): Promise<LoadedResult> {
  const { plan, host, signal, absences } = input
  // An answer that came after the run was given up: the block stays.
  signal.throwIfAborted()
  absences.delete(id)
  try {
    await limited(input, signal, 'drop()', plan.sink.stage.drop(id, signal))
  } catch (error) {
    // It left loaded() before the first await; what is left on a disk is the sink's to sweep.
    host.log.warn('dropping a block failed', { block: id, code: codeOf(error), error: rawMessageOf(error) })
  }
  return result
}
