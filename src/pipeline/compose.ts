/** The block stages of one segment as one chain: list order is run order, the first listed is outermost. */
import { linkSignals } from '../async/signals.ts'
import type { Lease } from '../contracts/ownership.ts'
import type { Named } from '../contracts/plan.ts'
import type { BlockContext, BlockStage, Next, Outcome } from '../contracts/stage.ts'
import type { BlockTrace } from './block-trace.ts'
import { failed, misuse, verdictOf } from './outcome.ts'

/** One attempt's trace, and the way to abort it: one controller a block, however many stages. */
export interface Passage {
  readonly trace: BlockTrace
  readonly abort: (reason: unknown) => void
}

/** Runs one block through a segment. Never rejects: a failure is a `failed` outcome of the stage that raised it. */
export type Chain = (block: BlockContext, passage: Passage) => Promise<Outcome>

/** `end` is what the innermost `next()` runs: the add, or the barrier. It must not reject. */
export function compose(stages: readonly Named<BlockStage>[], end: Chain): Chain {
  return stages.reduceRight<Chain>((below, entry) => {
    return (block, passage) => passage.trace.stage(entry.name, () => handle(entry, block, passage, below))
  }, end)
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
  const next: Next = async (change = {}) => {
    if (running) {
      broken = 'next() must be called at most once: this is the second call'
      return failed(name, misuse(broken))
    }
    passage.trace.passed(name)
    running = runBelow(block, change, passage, below)
    outcome = await running
    return outcome
  }
  let result: Outcome
  try {
    const verdict: unknown = await stage.handle(block, next)
    if (running && !outcome)
      broken ??= 'handle() must await next(): it returned while the stages below were still running'
    result = verdictOf(name, verdict, outcome)
  } catch (error) {
    result = failed(name, error)
  }
  if (running && !outcome) {
    // The stage is done while those below still run. Nothing may be added behind its back: abort, and wait for it.
    passage.abort(misuse('a stage above has already returned'))
    await running
  }
  return broken ? failed(name, misuse(broken)) : result
}

async function runBelow(
  block: BlockContext,
  { lease, signal }: Parameters<Next>[0] & object,
  passage: Passage,
  below: Chain,
): Promise<Outcome> {
  if (!lease && !signal) return below(block, passage)
  const inner = linkSignals(block.signal, signal, lease?.signal)
  const held = lease && block.lease ? both(lease, block.lease, inner.signal) : (lease ?? block.lease)
  try {
    return await below({ ...block, lease: held, signal: inner.signal }, passage)
  } finally {
    inner[Symbol.dispose]()
  }
}

/** Both leases must be held; `signal` follows both already. Each is disposed by whoever took it. */
function both(lease: Lease, outer: Lease, signal: AbortSignal): Lease {
  return {
    fence: lease.fence ?? outer.fence,
    get remainingMs() {
      return lease.remainingMs ?? outer.remainingMs
    },
    signal,
    assertHeld(before) {
      outer.assertHeld(before)
      lease.assertHeld(before)
    },
    async [Symbol.asyncDispose]() {},
  }
}
