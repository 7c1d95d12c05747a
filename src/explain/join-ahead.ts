/**
 * What a gateway does before it joins: it observes the members, lists the bucket, and has the blocks loaded ahead that will be its own. Nobody
 * knows of it yet, so nobody waits for it, and the others serve on.
 */
import { linkSignals } from '../async/signals.ts'
import { errorFields } from '../contracts/errors.ts'
import type { Prewarmer } from '../contracts/prewarm.ts'
import { END_MS, Lifecycle, type Part, withinGrace } from '../pipeline/lifecycle.ts'
import { ownershipOf } from '../pipeline/owned.ts'
import { type DryDeps, DryRun } from './dry-run.ts'

/** It joins after so long, whatever is left to load, ms. */
const LONGEST = 300_000

export interface JoinDeps extends DryDeps {
  /** None of them started. That of the ownership plugin will observe: nobody is told of this gateway. */
  readonly parts: readonly Part[]
  readonly startTimeoutMs: number
  readonly prewarm: Prewarmer
}

/** Ends with all parts stopped, to be started anew. What goes wrong is logged: then the blocks are loaded after the join. @throws the reason of `signal` */
export async function joinAhead(deps: JoinDeps, signal: AbortSignal): Promise<void> {
  const { host } = deps
  const observing = deps.parts.map(part => {
    return ownershipOf(part.component) ? { ...part, services: { ...part.services, observer: true } } : part
  })
  const lifecycle = new Lifecycle(observing, deps.startTimeoutMs)
  using link = linkSignals(signal)
  using _ = host.setTimer(LONGEST, () => link.abort(new Error('it took too long')))
  if (!deps.plan.ownership.handover?.foresees) return
  try {
    await lifecycle.start(link.signal)
    await load(deps, link.signal)
  } catch (error) {
    signal.throwIfAborted()
    host.log.warn('blocks are not loaded before this gateway joins', errorFields(error))
  } finally {
    await withinGrace(host, END_MS, late => lifecycle.stop(late)).catch(() => {})
  }
}

async function load({ plan, instance, prewarm, ...deps }: JoinDeps, signal: AbortSignal): Promise<void> {
  const { handover } = plan.ownership
  // Where nobody serves there is nobody to wait for.
  if (!handover?.members().some(({ id, state }) => id !== instance.id && state === 'active')) return
  using dry = new DryRun({ ...deps, plan, instance }, plan.sink.stage.loaded(), signal)
  let { blocks } = await dry.view()
  for (const { stages, barrier } of plan.segments) {
    const others = stages.filter(({ stage }) => !ownershipOf(stage))
    blocks = await dry.filter(blocks, others)
    if (barrier) blocks = (await dry.select(barrier, blocks)).going
  }
  const own = blocks.filter(({ meta }) => handover.next?.(meta)?.length === 0)
  deps.host.log.info('blocks are loaded before this gateway joins', { blocks: own.length })
  await prewarm.join?.(own, signal)
}
