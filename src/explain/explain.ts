/** Why one block is loaded here, or not: its way through a dry run. */
import type { BlockId, Candidate } from '../contracts/block.ts'
import { codeOf, ErrorCode, isOwnershipUnavailable, rawMessageOf } from '../contracts/errors.ts'
import type { Owner, OwnershipPlugin } from '../contracts/ownership.ts'
import type { Named, Plan } from '../contracts/plan.ts'
import { type BlockStage, type Outcome, type PartialBlock, skip } from '../contracts/stage.ts'
import { ownershipOf } from '../pipeline/owned.ts'
import { type DryDeps, DryRun } from './dry-run.ts'

/** `at-add`: only an add can tell, such as `claim()`, which could take a lock. `not-asked`: a stage before it has the verdict. */
export type ExplainVerdict = 'passed' | 'skipped' | 'failed' | 'at-add' | 'not-asked'

export interface ExplainStep {
  /** The stage's name, unique in the pipeline. */
  readonly stage: string
  readonly kind: 'source' | 'block' | 'set' | 'sink'
  readonly verdict: ExplainVerdict
  /** Of a skip, its reason; of a failure, its code. */
  readonly reason?: string | undefined
  readonly detail?: string | undefined
  /** The block that holds all this one holds. */
  readonly supersededBy?: BlockId | undefined
  /** Where the ownership plugin has a handover: who may hold the block, and who serves it. */
  readonly owners?: readonly Owner[] | undefined
}

export interface Explanation {
  readonly block: BlockId
  /** `absent`: not in the view. `partial`: there, but the source cannot offer it. `passed`: no stage that can be asked keeps it out. */
  readonly verdict: 'absent' | 'partial' | 'skipped' | 'failed' | 'passed'
  /** Whether the sink holds it now. */
  readonly loaded: boolean
  readonly view: { readonly complete: boolean; readonly blocks: number }
  readonly candidate: Candidate | undefined
  /** In list order; empty for an absent block. */
  readonly steps: readonly ExplainStep[]
}

type Step = { -readonly [K in keyof ExplainStep]: ExplainStep[K] }

/** @throws BlockgateError what the source or a set stage threw: then no run could tell either */
export async function explain(deps: DryDeps, id: BlockId, signal: AbortSignal): Promise<Explanation> {
  const { plan, instance } = deps
  const loaded = plan.sink.stage.loaded()
  using dry = new DryRun(deps, loaded, signal)
  // Only a set stage asks for the others.
  const { seen, blocks, partial, complete } = await dry.view(({ meta }) => plan.segments.length > 1 || meta.ulid === id)
  const candidate = blocks.find(block => block.meta.ulid === id)
  const steps = new Steps(plan)
  const broken = partial.get(id)
  if (candidate) steps.tell(plan.source, { verdict: 'passed' })
  else if (broken) steps.tell(plan.source, partialStep(broken))
  let verdict: Explanation['verdict'] = broken ? 'partial' : 'absent'
  if (candidate) verdict = await walk(plan, dry, blocks, candidate, steps, instance.id)
  if (verdict === 'passed') steps.tell(plan.sink, { verdict: loaded.has(id) ? 'passed' : 'at-add' })
  return {
    block: id,
    verdict,
    loaded: loaded.has(id),
    view: { complete, blocks: seen + partial.size },
    candidate,
    steps: verdict === 'absent' ? [] : steps.all,
  }
}

/** What each stage says, in list order. */
class Steps {
  readonly all: readonly Step[]

  constructor({ source, segments, sink }: Plan) {
    const stages = segments.flatMap(({ stages, barrier }) => [...stages, ...(barrier ? [barrier] : [])])
    this.all = [source, ...stages, sink].map(({ name, stage: { kind } }) => ({
      stage: name,
      kind,
      verdict: 'not-asked',
    }))
  }

  tell({ name }: { readonly name: string }, told: Partial<Step>): void {
    Object.assign(this.all.find(step => step.stage === name) ?? {}, told)
  }
}

/** The block through every segment, and past each barrier together with all that passed the stages before it. */
async function walk(
  { segments }: Plan,
  dry: DryRun,
  all: readonly Candidate[],
  candidate: Candidate,
  steps: Steps,
  me: string,
): Promise<'skipped' | 'failed' | 'passed'> {
  const id = candidate.meta.ulid
  let blocks = all
  for (const { stages, barrier } of segments) {
    const outcome = await dry.outcome(
      candidate,
      stages.map(entry => watched(entry, told => steps.tell(entry, told), me)),
    )
    if (outcome.kind === 'skipped' || outcome.kind === 'failed') {
      steps.tell({ name: outcome.by }, stepOf(outcome))
      return outcome.kind
    }
    if (!barrier) break
    const { selections, going } = await dry.select(barrier, await dry.filter(blocks, stages, id))
    const mine = selections.find(selection => selection.id === id)
    if (mine?.skip !== undefined) {
      steps.tell(barrier, { verdict: 'skipped', reason: mine.skip, supersededBy: mine.supersededBy })
      return 'skipped'
    }
    steps.tell(barrier, { verdict: 'passed' })
    blocks = going
  }
  return 'passed'
}

type Tell = (told: Partial<Step>) => void

/** The stage, which tells what it does with the block. An ownership plugin is asked for the owners, never for a claim. */
function watched(entry: Named<BlockStage>, tell: Tell, me: string): Named<BlockStage> {
  const { stage } = entry
  const plugin = ownershipOf(stage)
  const handle: BlockStage['handle'] = (block, next) => {
    if (plugin) return owners(plugin, block, next, me, tell)
    return stage.handle(block, change => {
      tell({ verdict: 'passed' })
      return next(change)
    })
  }
  return { ...entry, stage: { kind: 'block', name: stage.name, handle } }
}

async function owners(
  plugin: OwnershipPlugin,
  block: Parameters<BlockStage['handle']>[0],
  next: Parameters<BlockStage['handle']>[1],
  me: string,
  tell: Tell,
): ReturnType<BlockStage['handle']> {
  if (!plugin.handover) {
    tell({ verdict: 'at-add', detail: `claim() of ${plugin.name} is asked at the add` })
    return next()
  }
  try {
    const all = plugin.handover.owners(block.meta)
    const detail = plugin.handover.why?.(block.meta)
    tell({ owners: all, detail })
    if (!all.some(owner => owner.target && owner.member === me)) {
      return skip('not-owner', { retain: true, ...(detail !== undefined && { detail }) })
    }
  } catch (error) {
    if (!isOwnershipUnavailable(error)) throw error
    return skip(ErrorCode.ownershipUnavailable, { retain: true, detail: rawMessageOf(error) })
  }
  tell({ verdict: 'passed' })
  return next()
}

function stepOf(outcome: Extract<Outcome, { readonly by: string }>): Partial<Step> {
  if (outcome.kind === 'skipped') return { verdict: 'skipped', reason: outcome.reason, detail: outcome.detail }
  return {
    verdict: 'failed',
    reason: codeOf(outcome.error) ?? ErrorCode.internal,
    detail: rawMessageOf(outcome.error),
  }
}

function partialStep({ reason, error, detail }: PartialBlock): Partial<Step> {
  if (error === undefined) return { verdict: 'skipped', reason, detail }
  return { verdict: 'failed', reason, detail: rawMessageOf(error) }
}
