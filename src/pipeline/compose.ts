/** The block stages of one segment as one onion: list order is run order, the first listed is outermost. */
import { linkSignals } from '../async/signals.ts'
import type { Lease } from '../contracts/ownership.ts'
import type { Named } from '../contracts/plan.ts'
import type { BlockContext, BlockStage, Next, Outcome } from '../contracts/stage.ts'
import type { BlockTrace } from './block-trace.ts'
import { failed, misuse, settle } from './outcome.ts'

/** One attempt's trace, and the way to abort it: one controller a block, however many stages. */
export interface Passage {
  readonly trace: BlockTrace
  readonly abort: (reason: unknown) => void
}

/** Runs one block through a segment. Never rejects: a failure is a `failed` outcome of the stage that raised it. */
export type Chain = (block: BlockContext, passage: Passage) => Promise<Outcome>

/** `end` is what the innermost `next()` runs: the add, or the barrier. It must not reject. */
export function compose(stages: readonly Named<BlockStage>[], end: Chain): Chain {
  const dispatch = (at: number, block: BlockContext, passage: Passage): Promise<Outcome> => {
    const entry = stages[at]
    if (!entry) return end(block, passage)
    const below: Chain = (inner, same) => dispatch(at + 1, inner, same)
    return passage.trace.stage(entry.name, () => handle(entry, block, passage, below))
  }
  return (block, passage) => dispatch(0, block, passage)
}

async function handle(
  { name, stage }: Named<BlockStage>,
  block: BlockContext,
  passage: Passage,
  below: Chain,
): Promise<Outcome> {
  let running: Promise<Outcome> | undefined
  let outcome: Outcome | undefined
  let broken: string | undefined

  const next: Next = (change = {}) => {
    if (running) {
      broken = 'next() must be called at most once: this is the second call'
      return Promise.resolve(failed(name, misuse(broken)))
    }
    passage.trace.passed(name)
    running = runBelow(block, change, inner => below(inner, passage)).then(result => {
      outcome = result
      return result
    })
    return running
  }

  let verdict: unknown
  let thrown: { readonly error: unknown } | undefined
  try {
    verdict = await stage.handle(block, next)
  } catch (error) {
    thrown = { error }
  }
  if (running && !outcome) {
    // The stage is done while its downstream still runs. Nothing may be added behind its back: abort, and wait for it.
    if (!thrown) broken ??= 'handle() must await next(): it returned while the stages below were still running'
    passage.abort(misuse('a stage above has already returned'))
    await running
  }
  if (broken) return failed(name, misuse(broken))
  return thrown ? failed(name, thrown.error) : settle(name, verdict, outcome)
}

async function runBelow(
  block: BlockContext,
  change: Parameters<Next>[0] & object,
  below: (block: BlockContext) => Promise<Outcome>,
): Promise<Outcome> {
  if (!change.lease && !change.signal) return below(block)
  const inner = linkSignals(block.signal, change.signal, change.lease?.signal)
  const lease =
    change.lease && block.lease ? both(change.lease, block.lease, inner.signal) : (change.lease ?? block.lease)
  try {
    return await below({ ...block, lease, signal: inner.signal })
  } finally {
    inner[Symbol.dispose]()
  }
}

/** Both leases must be held; `signal` follows both already. Each is disposed by whoever took it. */
function both(lease: Lease, outer: Lease, signal: AbortSignal): Lease {
  return {
    fence: lease.fence ?? outer.fence,
    signal,
    assertHeld(before) {
      outer.assertHeld(before)
      lease.assertHeld(before)
    },
    async [Symbol.asyncDispose]() {},
  }
}
