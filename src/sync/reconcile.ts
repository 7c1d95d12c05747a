/**
 * What becomes of the loaded blocks at the end of a run. A loaded block is dropped only on positive knowledge: the six
 * rules of docs/architecture.md, in the order of `decide`.
 */
import { eachBounded } from '../async/each.ts'
import { limited } from '../async/signals.ts'
import { inSlices, pause } from '../async/slices.ts'
import type { BlockId, BlockMeta } from '../contracts/block.ts'
import { BlockMap } from '../contracts/block-map.ts'
import { codeOf, ErrorCode, errorFields } from '../contracts/errors.ts'
import type { Epoch } from '../contracts/ownership.ts'
import type { BlockTrace } from '../pipeline/block-trace.ts'
import type { Engine } from './engine.ts'
import type { View } from './view.ts'

export interface LoadedResult {
  readonly kind: 'dropped' | 'retained'
  readonly by: string
  readonly reason: string
}

/** What a drop needs. */
export interface Dropping {
  readonly engine: Engine
  readonly signal: AbortSignal
  /** The trace of a block that may go; undefined where nobody traces. */
  readonly leaving: ((meta: BlockMeta) => BlockTrace) | undefined
  /** Called for each block as soon as it is known what became of it: the run may be stopped before it is known of all. */
  readonly settle: (id: BlockId, result: LoadedResult) => void
}

export interface ReconcileInput extends Dropping {
  readonly view: View
  /** What was loaded when the run began. */
  readonly before: ReadonlySet<BlockId>
  readonly confirmDrops: boolean
}

/** What is to become of a block that is not simply kept. */
interface Decision {
  readonly do: 'retain' | 'drop' | 'release'
  readonly by: string
  readonly reason: string
  /** When a person is asked: if many blocks would go for such reasons at once (`expired`: only then), or only if all would. */
  readonly guard?: 'many' | 'all' | 'expired'
  /** Set for a release. */
  readonly superseding?: BlockMeta
  readonly decidedIn?: Epoch
  /** The reason while it cannot be released. */
  readonly whileKept?: string
}

type Decided = readonly [id: BlockId, decision: Decision]

/** More drops than this, and than a fifth of what is loaded, need a person's word. */
const FREE_DROPS = 10
/** Blocks that are withdrawn at once. */
const BATCH = 1_000

/** Rejects with the reason of the signal once that aborts: nothing is dropped after it. */
export async function reconcile(input: ReconcileInput): Promise<void> {
  const { engine, view, settle } = input
  const { host, plan, asked } = engine
  const decisions = new BlockMap<Decision>()
  await inSlices(host, plan.sink.stage.loaded(), ([id, { meta }]) => {
    const decision = decide(input, id, meta)
    if (decision) decisions.set(id, decision)
  })
  if (!plan.ownership.handover) await decideAlone(input, decisions)
  const asks = await mustAsk(input, decisions)
  const isNews = view.listed === 'all' && view.complete
  if (isNews) await inSlices(host, asked, id => !decisions.has(id) && asked.delete(id))
  const drops: Decided[] = []
  const releases: Decided[] = []
  await inSlices(host, decisions, decided => {
    const [id, { do: what, by, reason, guard }] = decided
    const asksFor =
      what === 'drop' &&
      guard !== undefined &&
      (asks === 'all' || (asks === 'unexpired' && (guard !== 'expired' || asked.has(id))))
    if (asksFor) asked.add(id)
    else if (isNews) asked.delete(id)
    if (what === 'retain') settle(id, { kind: 'retained', by, reason })
    else if (!view.complete) settle(id, { kind: 'retained', by: plan.source.name, reason: 'view-incomplete' })
    else if (asksFor) settle(id, { kind: 'retained', by, reason: ErrorCode.dropsNeedConfirmation })
    else (what === 'drop' ? drops : releases).push(decided)
  })
  for (let at = 0; at < drops.length; at += BATCH) await drop(input, drops.slice(at, at + BATCH))
  await release(input, releases)
}

/**
 * What a person is asked about: all that would go, where it is too much at once; else what is not expired, where all of that which was
 * loaded when the run began would go, or something that was asked about before: what was loaded since is no answer.
 */
async function mustAsk(
  { engine: { host, plan, asked }, view, before, confirmDrops }: ReconcileInput,
  decisions: Map<BlockId, Decision>,
): Promise<'all' | 'unexpired' | undefined> {
  if (!view.complete) return undefined
  const loaded = plan.sink.stage.loaded()
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
    // All are absent: a person is asked, who sees the bucket: no second listing need say it. Who was asked confirms no more than that.
    if ((all && !(confirmDrops && asked.size)) || isAsked) decisions.set(id, { ...d, do: 'drop' })
    if (d.do === 'drop' && d.guard !== 'all') drops++
    again ||= isAsked
  })
  if (confirmDrops) return undefined
  if (drops > Math.max(FREE_DROPS, loaded.size / 5)) return 'all'
  return all || again ? 'unexpired' : undefined
}

/** Undefined: it is kept. */
function decide(input: ReconcileInput, id: BlockId, meta: BlockMeta): Decision | undefined {
  const { engine, view } = input
  const { ownership } = engine.plan
  const outcome = view.outcomes.get(id)
  if (outcome === undefined) return absent(input, id)
  if (view.listed === 'all') engine.absences.delete(id)
  if (outcome.kind === 'failed') {
    return { do: 'retain', by: outcome.by, reason: codeOf(outcome.error) ?? ErrorCode.internal }
  }
  if (outcome.kind !== 'skipped') return undefined
  const { by, reason } = outcome
  const parent = view.superseded.get(id)
  if (parent) {
    const decidedIn = ownership.epoch(parent)
    return { do: 'release', by, reason, superseding: parent, decidedIn, whileKept: 'superseded' }
  }
  if (outcome.epoch !== undefined && reason !== ErrorCode.leaseLost) {
    if (!ownership.handover) return { do: 'drop', by, reason, guard: 'all' }
    return { do: 'release', by, reason, superseding: meta, decidedIn: outcome.epoch, whileKept: 'pending-hand-off' }
  }
  if (outcome.retain) return { do: 'retain', by, reason }
  return { do: 'drop', by, reason, guard: outcome.expired ? 'expired' : 'many' }
}

/** Not offered: gone from the bucket, or only seen in part. One listing may be wrong; two in a row are believed. */
function absent({ engine: { plan, absences }, view }: ReconcileInput, id: BlockId): Decision | undefined {
  const by = plan.source.name
  const partial = view.partial.get(id)
  if (partial?.keep) {
    absences.delete(id)
    return { do: 'retain', by, reason: partial.reason }
  }
  // Seen but without a verdict: the run ended before it came to the block.
  if (view.listed !== 'all' || view.seen.has(id)) return undefined
  if (!view.complete) return { do: 'retain', by, reason: 'view-incomplete' }
  if (absences.has(id)) return { do: 'drop', by, reason: 'absent', guard: 'many' }
  absences.add(id)
  return { do: 'retain', by, reason: 'absent-once', guard: 'many' }
}

/** Without a handover nobody else can be asked: a child goes when its parent is served here, and stays here. */
async function decideAlone(
  { engine: { host, plan } }: ReconcileInput,
  decisions: Map<BlockId, Decision>,
): Promise<void> {
  const loaded = plan.sink.stage.loaded()
  await inSlices(host, decisions, ([id, { superseding, by, reason, whileKept = reason }]) => {
    if (!superseding) return
    const served = loaded.has(superseding.ulid) && decisions.get(superseding.ulid)?.do !== 'drop'
    decisions.set(id, served ? { do: 'drop', by, reason } : { do: 'retain', by, reason: whileKept })
  })
}

async function drop(input: ReconcileInput, drops: readonly Decided[]): Promise<void> {
  const { engine, signal, settle } = input
  try {
    const withdrawn = engine.advertised.withdraw(
      drops.map(([id]) => id),
      signal,
    )
    await limited(engine, signal, 'serve()', withdrawn)
  } catch (error) {
    signal.throwIfAborted()
    // They may still be advertised, and nobody may be told of a block that is gone: keep the blocks.
    engine.host.log.warn('blocks were not withdrawn and are kept', { blocks: drops.length, ...errorFields(error) })
    for (const [id, { by }] of drops) settle(id, { kind: 'retained', by, reason: ErrorCode.ownershipUnavailable })
    return
  }
  await eachBounded(drops, engine.concurrency, async ([id, decision]) => {
    await dropOne(input, id, decision)
    await pause(engine.host)
  })
}

async function release(input: ReconcileInput, releases: readonly Decided[]): Promise<void> {
  const { engine, signal, settle } = input
  const { handover } = engine.plan.ownership
  // Blocks found no room: a copy that one other gateway serves is enough to let go of.
  const urgent = engine.budget.short
  await eachBounded(releases, engine.concurrency, async ([id, decision]) => {
    const { by, superseding, decidedIn, whileKept } = decision
    if (!handover || !superseding || decidedIn === undefined || whileKept === undefined) return
    try {
      const trace = leaving(input, id)
      trace?.asks(superseding)
      const ask = () => {
        const answer = handover.release({ id, superseding, urgent }, decidedIn, signal)
        return limited(engine, signal, 'release()', answer)
      }
      const released = (await (trace ? trace.leave('release', ask) : ask())) === 'released'
      if (!released) settle(id, { kind: 'retained', by, reason: keptAs(engine, id, whileKept) })
      else {
        // In which trace it goes is no reason to keep it.
        if (trace) await limited(engine, signal, 'traceOf()', trace.released(superseding)).catch(() => {})
        await dropOne(input, id, decision)
      }
    } catch (error) {
      signal.throwIfAborted()
      // The answer is lost: for the peers it may be released, here it is held.
      engine.host.log.warn('release failed, the block is kept', { block: id, ...errorFields(error) })
      settle(id, { kind: 'retained', by, reason: ErrorCode.ownershipUnavailable })
    }
    await pause(engine.host)
  })
}

function leaving({ engine, leaving }: Dropping, id: BlockId): BlockTrace | undefined {
  const meta = leaving && engine.plan.sink.stage.loaded().get(id)?.meta
  return meta && leaving(meta)
}

/** A block whose hand-off is pending, and that nobody else serves, is the last copy. */
function keptAs({ plan, instance }: Engine, id: BlockId, reason: string): string {
  const meta = plan.sink.stage.loaded().get(id)?.meta
  if (reason !== 'pending-hand-off' || !meta) return reason
  const others = plan.ownership.handover?.owners(meta).some(o => o.member !== instance.id && o.live && o.serves)
  return others ? reason : 'last-copy'
}

async function dropOne(
  input: Dropping,
  id: BlockId,
  { by, reason }: Pick<LoadedResult, 'by' | 'reason'>,
): Promise<void> {
  const { engine, signal, settle } = input
  // An answer that came after the run was given up: the block stays.
  signal.throwIfAborted()
  engine.absences.delete(id)
  const trace = leaving(input, id)
  const drop = () => limited(engine, signal, 'drop()', engine.plan.sink.stage.drop(id, signal))
  try {
    await (trace ? trace.leave('drop', drop) : drop())
  } catch (error) {
    // It left loaded() before the first await; what is left on a disk is the sink's to sweep.
    engine.host.log.warn('dropping a block failed', { block: id, ...errorFields(error) })
  }
  settle(id, { kind: 'dropped', by, reason })
}

/**
 * Drops copies that the sink found to be damaged while they were served, so that the run that begins loads them again. They are
 * withdrawn first, as at every drop; while they cannot be, it waits.
 */
export async function dropDamaged(input: Dropping, ids: readonly BlockId[]): Promise<void> {
  const { engine, signal } = input
  const { name: by } = engine.plan.sink
  try {
    await limited(engine, signal, 'serve()', engine.advertised.withdraw(ids, signal))
  } catch (error) {
    signal.throwIfAborted()
    const fields = { blocks: ids.length, ...errorFields(error) }
    engine.host.log.warn('damaged blocks are not dropped yet, the next run tries again', fields)
    return
  }
  for (const id of ids) await dropOne(input, id, { by, reason: 'damaged' })
}
