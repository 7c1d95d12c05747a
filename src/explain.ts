/**
 * Why one block is loaded here, or not: its way through the pipeline without an add. The source and the set stages see the
 * whole view, as in a run; nothing is claimed, loaded, dropped or written down, and no span is made.
 */
import { type Context, context, createContextKey, INVALID_SPAN_CONTEXT, trace } from '@opentelemetry/api'
import { eachBounded } from './async/each.ts'
import { linkSignals } from './async/signals.ts'
import { ActiveAttempts, attempt } from './attempt.ts'
import { select } from './barrier.ts'
import type { BlockId, Candidate } from './block.ts'
import { BlockTrace } from './block-trace.ts'
import { compose, type Onion } from './compose.ts'
import { codeOf, ErrorCode, isOwnershipUnavailable, rawMessageOf } from './errors.ts'
import type { Host, Instance } from './host.ts'
import { Listing } from './listing.ts'
import { passed } from './outcome.ts'
import { ownershipOf } from './owned.ts'
import type { Owner, OwnershipPlugin } from './ownership.ts'
import type { Named, Plan } from './plan.ts'
import { type BlockStage, type Outcome, type PartialBlock, type RunContext, skip } from './stage.ts'

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

export interface ExplainDeps {
  /** Its parts are started. */
  readonly plan: Plan
  readonly host: Host
  readonly instance: Instance
  readonly concurrency: number
  readonly blockTimeoutMs: number
}

type Step = { -readonly [K in keyof ExplainStep]: ExplainStep[K] }

/** @throws BlockgateError what the source or a set stage threw: then no run could tell either */
export async function explain(deps: ExplainDeps, id: BlockId, signal: AbortSignal): Promise<Explanation> {
  const link = linkSignals(signal)
  try {
    return await explainWithin(deps, id, link.signal)
  } finally {
    link[Symbol.dispose]()
  }
}

interface DryDeps extends ExplainDeps {
  readonly active: ActiveAttempts
}

async function explainWithin(given: ExplainDeps, id: BlockId, signal: AbortSignal): Promise<Explanation> {
  const deps: DryDeps = { ...given, active: new ActiveAttempts(signal) }
  const { plan, host } = deps
  const loaded = plan.sink.stage.loaded()
  const run: RunContext = {
    id: `explain-${host.now().toString(36)}`,
    reason: 'manual',
    now: host.now(),
    signal,
    loaded: new Set(loaded.keys()),
    resume: undefined,
  }
  const { blocks, partial, complete } = await wholeView(plan, run)
  const candidate = blocks.find(block => block.meta.ulid === id)
  const steps = plan.order.map((stage): Step => ({ stage, kind: 'block', verdict: 'not-asked' }))
  const answer = (verdict: Explanation['verdict']): Explanation => ({
    block: id,
    verdict,
    loaded: loaded.has(id),
    view: { complete, blocks: blocks.length + partial.size },
    candidate,
    steps: verdict === 'absent' ? [] : steps,
  })
  nameKinds(plan, steps)
  if (candidate) set(steps, plan.source, { verdict: 'passed' })
  const broken = partial.get(id)
  if (broken) set(steps, plan.source, partialStep(broken))
  if (!candidate) return answer(broken ? 'partial' : 'absent')
  const verdict = await walk(deps, run, blocks, candidate, steps)
  if (verdict === 'passed') set(steps, plan.sink, { verdict: loaded.has(id) ? 'passed' : 'at-add' })
  return answer(verdict)
}

/** The block through every segment, and past each barrier together with all that passed the stages before it. */
async function walk(
  deps: DryDeps,
  run: RunContext,
  all: readonly Candidate[],
  candidate: Candidate,
  steps: readonly Step[],
): Promise<'skipped' | 'failed' | 'passed'> {
  const id = candidate.meta.ulid
  let blocks = all
  for (const { stages, barrier } of deps.plan.segments) {
    const watched = stages.map(entry => watch(entry, steps[entry.position], deps.instance.id))
    const outcome = await dryRun(
      deps,
      run,
      candidate,
      compose(watched, async () => passed),
    )
    const by = 'by' in outcome ? steps.find(step => step.stage === outcome.by) : undefined
    if (outcome.kind === 'skipped' || outcome.kind === 'failed') {
      Object.assign(by ?? {}, stepOf(outcome))
      return outcome.kind
    }
    if (!barrier) break
    const others = await filter(
      deps,
      run,
      blocks,
      compose(stages, async () => passed),
      id,
    )
    const selections = await select(barrier, others, run, untraced())
    const mine = selections.find(selection => selection.id === id)
    if (mine?.skip !== undefined) {
      set(steps, barrier, { verdict: 'skipped', reason: mine.skip, supersededBy: mine.supersededBy })
      return 'skipped'
    }
    set(steps, barrier, { verdict: 'passed' })
    const byId = new Map(others.map(block => [block.meta.ulid, block]))
    blocks = selections.flatMap(selection => (selection.skip === undefined ? (byId.get(selection.id) ?? []) : []))
  }
  return 'passed'
}

async function wholeView(plan: Plan, run: RunContext) {
  const listing = new Listing(plan.source, run, untraced())
  const blocks: Candidate[] = []
  const partial = new Map<BlockId, PartialBlock>()
  try {
    for (let page = await listing.next(); page; page = await listing.next()) {
      blocks.push(...page.blocks)
      for (const block of page.partial) partial.set(block.id, block)
    }
  } finally {
    await listing.close()
  }
  return { blocks, partial, complete: listing.complete }
}

/** Blocks that pass a segment's stages, in their order; `id` is known to. */
async function filter(
  deps: DryDeps,
  run: RunContext,
  blocks: readonly Candidate[],
  onion: Onion,
  id: BlockId,
): Promise<readonly Candidate[]> {
  const out = new Set<Candidate>()
  await eachBounded(blocks, deps.concurrency, async block => {
    if (block.meta.ulid === id || (await dryRun(deps, run, block, onion)).kind === 'passed') out.add(block)
  })
  return blocks.filter(block => out.has(block))
}

async function dryRun(deps: DryDeps, run: RunContext, candidate: Candidate, onion: Onion): Promise<Outcome> {
  const { host, blockTimeoutMs, plan } = deps
  const { ulid: id, compaction } = candidate.meta
  const subject = { id, level: compaction.level, attempt: 1, runId: run.id, instance: '' }
  const quiet = new BlockTrace(host, trace.wrapSpanContext(INVALID_SPAN_CONTEXT), false, subject, undefined)
  const loaded = plan.sink.stage.loaded().has(id)
  const outcome = await attempt(
    { host, blockTimeoutMs, stuck: new Map() },
    deps.active,
    run,
    candidate,
    loaded,
    onion,
    quiet,
  )
  // What a stage says after the signal is about the signal.
  run.signal.throwIfAborted()
  return outcome
}

/** The stage, told in `step`. An ownership plugin is asked for the owners, never for a claim. */
function watch(entry: Named<BlockStage>, step: Step | undefined, me: string): Named<BlockStage> {
  const { stage } = entry
  const plugin = ownershipOf(stage)
  const tell = (told: Partial<Step>) => Object.assign(step ?? {}, told)
  return {
    ...entry,
    stage: {
      kind: 'block',
      name: stage.name,
      handle(block, next) {
        if (plugin) return owners(plugin, block, next, me, tell)
        return stage.handle(block, change => {
          tell({ verdict: 'passed' })
          return next(change)
        })
      },
    },
  }
}

async function owners(
  plugin: OwnershipPlugin,
  block: Parameters<BlockStage['handle']>[0],
  next: Parameters<BlockStage['handle']>[1],
  me: string,
  tell: (told: Partial<Step>) => void,
): ReturnType<BlockStage['handle']> {
  if (!plugin.handover) {
    tell({ verdict: 'at-add', detail: `claim() of ${plugin.name} is asked at the add` })
    return next()
  }
  try {
    const all = plugin.handover.owners(block.meta)
    tell({ owners: all })
    if (!all.some(owner => owner.target && owner.member === me)) return skip('not-owner', { retain: true })
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

function partialStep({ reason, error }: PartialBlock): Partial<Step> {
  if (error === undefined) return { verdict: 'skipped', reason }
  return { verdict: 'failed', reason, detail: rawMessageOf(error) }
}

function nameKinds({ source, segments, sink }: Plan, steps: readonly Step[]): void {
  set(steps, source, { kind: 'source' })
  set(steps, sink, { kind: 'sink' })
  for (const { barrier } of segments) if (barrier) set(steps, barrier, { kind: 'set' })
}

function set(steps: readonly Step[], { position }: { readonly position: number }, told: Partial<Step>): void {
  Object.assign(steps[position] ?? {}, told)
}

/** In this context the OpenTelemetry SDK records nothing; the key is that of `suppressTracing` in @opentelemetry/core. */
function untraced(): Context {
  return context.active().setValue(createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING'), true)
}
