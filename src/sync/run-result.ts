/** What a run tells: while it goes on, when it has ended, and what is kept of it. */
import { inSlices } from '../async/slices.ts'
import type { BlockId } from '../contracts/block.ts'
import { BlockgateError, codeOf, ErrorCode, rawMessageOf } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'
import type { Epoch } from '../contracts/ownership.ts'
import type { Plan } from '../contracts/plan.ts'
import type { Outcome, PartialBlock, RunReason } from '../contracts/stage.ts'
import type { FailureSummary, RunSummary } from '../contracts/summary.ts'
import { frameOf } from '../pipeline/faults.ts'
import { failed, skippedBy } from '../pipeline/outcome.ts'
import type { Engine } from './engine.ts'
import type { LoadedResult } from './reconcile.ts'
import { isKnown, type View } from './view.ts'

/** What is kept of a run. */
export interface RunReport {
  /** `failed`: the source or a set stage failed; nothing was dropped. `stopped`: it was told to stop. */
  readonly status: 'done' | 'failed' | 'stopped'
  readonly summary: RunSummary
  /** Why a run failed; of one that was done what is wrong nevertheless: see causeOf(). */
  readonly error: BlockgateError | undefined
  /** Loaded blocks that would be dropped, and wait for `confirmDrops`. */
  readonly unconfirmed: number
  /** When it began, in ms since the epoch. */
  readonly startedAt: number
}

export interface RunResult extends RunReport {
  /** Each block's last outcome. */
  readonly outcomes: ReadonlyMap<BlockId, Outcome>
  /** What was loaded, and was let go. */
  readonly dropped: readonly BlockId[]
}

/** What a run leaves for the one after it. */
export interface RunEnd {
  readonly result: RunResult
  readonly view: View
  /** The ownership epoch when the run began: what moved since then is for the next run. */
  readonly epoch: Epoch
  /** Blocks found no room, and others were dropped after that. */
  readonly room: boolean
}

export interface RunProgress {
  readonly id: string
  /** In ms since the epoch. */
  readonly startedAt: number
  readonly reason: RunReason
  /** Blocks seen so far; while `listing`, more may come. */
  readonly seen: number
  readonly listing: boolean
  /** Blocks with a verdict. */
  readonly done: number
  readonly inFlight: number
  /** Of `done`: those whose last verdict is a failure. */
  readonly failed: number
  /** What the sink took in this run. */
  readonly bytes: number
}

/** The outcome of a block that the source saw only in part: broken ones failed, unfinished ones are skipped. */
export function partialOutcome(source: string, { reason, error, detail }: PartialBlock): Outcome {
  if (error === undefined) return skippedBy(source, reason, detail)
  // One word for it everywhere: the source's.
  return failed(source, new BlockgateError(reason, rawMessageOf(error), { cause: error, at: source }))
}

/** Every number derives from the blocks' last outcomes, so a block that was tried again never counts twice. */
export async function summarise(
  host: Host,
  plan: Plan,
  view: View,
  loaded: { readonly dropped: number; readonly retained: number },
  run: RunSummary['run'],
): Promise<RunSummary> {
  const position = new Map(plan.order.map((name, at) => [name, at]))
  const end = plan.order.length
  const stopped = new Array<number>(end).fill(0)
  const skipped = plan.order.map((): Record<string, number> => ({}))
  const blocks = { seen: 0, added: 0, unchanged: 0, skipped: 0, failed: 0, ...loaded }
  const failures: FailureSummary[] = []
  const count = (id: BlockId, outcome: Outcome) => {
    if (outcome.kind === 'passed') return
    blocks.seen++
    blocks[outcome.kind]++
    if (outcome.kind !== 'skipped' && outcome.kind !== 'failed') return
    const at = position.get(outcome.by) ?? end - 1
    stopped[at] = (stopped[at] ?? 0) + 1
    const reasons = skipped[at]
    if (outcome.kind === 'skipped' && reasons) reasons[outcome.reason] = (reasons[outcome.reason] ?? 0) + 1
    if (outcome.kind === 'failed') {
      const code = codeOf(outcome.error) ?? ErrorCode.internal
      failures.push({ block: id, by: outcome.by, code, message: rawMessageOf(outcome.error) })
    }
  }
  await inSlices(host, view.partial, ([id, partial]) => count(id, partialOutcome(plan.source.name, partial)))
  await inSlices(host, view.outcomes, ([id, outcome]) => count(id, outcome))
  let left = blocks.seen
  const stages = plan.order.map((name, at) => {
    const entered = left
    left -= stopped[at] ?? 0
    return { name, in: entered, out: left, skipped: skipped[at] ?? {} }
  })
  return { run, stages, blocks, failures, ...view.notes }
}

/**
 * Undefined where nothing is wrong. `listing-failed`: the view was incomplete. `nothing-served`: nothing is `held` though
 * there is something in the bucket; with what stands in the way of most blocks. `ownership-unavailable`: it was not known
 * who owns some blocks.
 */
export async function causeOf(
  host: Host,
  view: View,
  { stages }: RunSummary,
  /** Blocks, with those that this run has dropped: nobody wonders about them. */
  held: number,
): Promise<BlockgateError | undefined> {
  const { cause, partial, outcomes } = view
  const source = stages[0]?.name ?? ''
  if (!isKnown(view))
    return BlockgateError.from(cause ?? 'the source did not see everything', ErrorCode.listingFailed, source)
  if (cause !== undefined) return new BlockgateError(ErrorCode.nothingServed, rawMessageOf(cause), { at: source })
  const unknown = stages.some(({ skipped }) => skipped[ErrorCode.ownershipUnavailable])
  if (held > 0 && !unknown) return undefined
  const found = new Map<string, { readonly first: Stopped; blocks: number }>()
  let denied = false
  const see = (outcome: Outcome) => {
    if (outcome.kind !== 'skipped' && outcome.kind !== 'failed') return
    const reason = reasonOf(outcome)
    if (outcome.kind === 'skipped' && outcome.retain && !STOPPED.has(reason)) {
      // Another gateway's; else it only has to get older.
      denied ||= outcome.epoch !== undefined
      return
    }
    const known = found.get(reason)
    if (known) known.blocks++
    else found.set(reason, { first: outcome, blocks: 1 })
  }
  await inSlices(host, partial.values(), block => see(partialOutcome(source, block)))
  await inSlices(host, outcomes.values(), see)
  const nothing = held === 0 && (!denied || found.has(ErrorCode.diskBudget))
  const blamed = nothing
    ? [...found.values()].sort((a, b) => b.blocks - a.blocks)[0]
    : found.get(ErrorCode.ownershipUnavailable)
  if (!blamed) return undefined
  const { first, blocks } = blamed
  const detail = first.kind === 'failed' ? rawMessageOf(first.error) : first.detail
  const message = `${blocks} of ${outcomes.size + partial.size} blocks: ${reasonOf(first)}${detail ? `: ${detail}` : ''}`
  return nothing
    ? new BlockgateError(ErrorCode.nothingServed, `no block is served; ${message}`, { at: first.by })
    : new BlockgateError(ErrorCode.ownershipUnavailable, message, { at: first.by })
}

/** A block that is retained for these is this gateway's, or may be, and does not get served by waiting. */
const STOPPED: ReadonlySet<string> = new Set([ErrorCode.ownershipUnavailable, ErrorCode.diskBudget])

type Stopped = Outcome & { readonly kind: 'skipped' | 'failed' }

function reasonOf(outcome: Stopped): string {
  return outcome.kind === 'skipped' ? outcome.reason : (codeOf(outcome.error) ?? ErrorCode.internal)
}

export const BLOCKS_FAILED = 'blocks failed'

/** One line for each stage and code of a run, however many blocks failed there. */
export async function logFailures(host: Host, { run, failures }: RunSummary, view: View): Promise<void> {
  const groups = new Map<string, { readonly first: FailureSummary; blocks: number }>()
  await inSlices(host, failures, failure => {
    const key = `${failure.by} ${failure.code}`
    const group = groups.get(key)
    if (group) group.blocks++
    else groups.set(key, { first: failure, blocks: 1 })
  })
  for (const { first, blocks } of groups.values()) {
    const { block, by: stage, code, message: error } = first
    const outcome = view.outcomes.get(block)
    // What is no error of ours was thrown by code that only its owner knows.
    const at = code === ErrorCode.stageFailed && outcome?.kind === 'failed' ? frameOf(outcome.error) : undefined
    host.log.warn(BLOCKS_FAILED, { run: run.id, stage, code, blocks, block, error, ...(at && { at }) })
  }
}

/** Blocks of a line that are named. */
const NAMED = 10

/** Logs a line for each reason for which loaded blocks were dropped. @returns those blocks */
export async function logDrops(
  host: Host,
  run: string,
  results: ReadonlyMap<BlockId, LoadedResult>,
): Promise<readonly BlockId[]> {
  const dropped: BlockId[] = []
  const groups = new Map<
    string,
    { readonly stage: string; readonly reason: string; blocks: number; first: BlockId[] }
  >()
  await inSlices(host, results, ([id, { by: stage, reason }]) => {
    dropped.push(id)
    const key = `${stage} ${reason}`
    const group = groups.get(key) ?? { stage, reason, blocks: 0, first: [] }
    groups.set(key, group)
    if (++group.blocks <= NAMED) group.first.push(id)
  })
  for (const group of groups.values()) host.log.info('blocks dropped', { run, ...group })
  return dropped
}

/** How the run ended; and whether a person is asked. */
export function logRun({ host: { log }, plan }: Engine, { status, error, summary, unconfirmed }: RunResult): void {
  const { run, blocks } = summary
  log[status === 'failed' ? 'error' : error ? 'warn' : 'info'](`run ${status}`, {
    run: run.id,
    reason: run.reason,
    listed: run.listed,
    ...(status !== 'failed' && { complete: run.complete, ...blocks }),
    ...(error && { code: error.code, error: error.rawMessage }),
  })
  if (unconfirmed === 0) return
  // With what is loaded and what was seen: all of 5 with 0 in view is another story than 30 of 100.
  log.warn(
    'loaded blocks would be dropped, and a person is asked: look at the bucket and the filters; if the blocks are to go, `blockgate sync --confirm-drops`, or POST /api/v1/sync {"confirmDrops":true}',
    { run: run.id, blocks: unconfirmed, loaded: plan.sink.stage.loaded().size, seen: blocks.seen },
  )
}
