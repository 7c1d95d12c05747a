/**
 * A run without an add: nothing is claimed, loaded, dropped or written, and no span is made. The source and the set stages
 * see the whole view.
 */
import { type Context, context, createContextKey } from '@opentelemetry/api'
import { eachBounded } from '../async/each.ts'
import { type LinkedSignal, linkSignals } from '../async/signals.ts'
import { inSlices, pause } from '../async/slices.ts'
import type { BlockId, Candidate } from '../contracts/block.ts'
import type { Host, Instance } from '../contracts/host.ts'
import type { Named, Plan } from '../contracts/plan.ts'
import type { BlockStage, Outcome, PartialBlock, RunContext, SetStage } from '../contracts/stage.ts'
import { attempt } from '../pipeline/attempt.ts'
import { type Selected, select } from '../pipeline/barrier.ts'
import { BlockTrace } from '../pipeline/block-trace.ts'
import { type Chain, compose } from '../pipeline/compose.ts'
import { Listing } from '../pipeline/listing.ts'
import { passed } from '../pipeline/outcome.ts'

export interface DryDeps {
  /** Its parts are started. */
  readonly plan: Plan
  readonly host: Host
  readonly instance: Instance
  readonly concurrency: number
  readonly blockTimeoutMs: number
  readonly stageTimeoutMs: number
}

export interface DryView {
  /** How many whole ones the source saw. */
  readonly seen: number
  readonly blocks: readonly Candidate[]
  readonly partial: ReadonlyMap<BlockId, PartialBlock>
  readonly complete: boolean
}

export class DryRun implements Disposable {
  readonly #deps: DryDeps
  readonly #run: RunContext
  /** Its listeners are let go when this is disposed. */
  readonly #link: LinkedSignal
  /** What `filter` left out because a stage failed. */
  readonly failed: Map<BlockId, unknown> = new Map()

  /** `loaded`: what counts as held already. */
  constructor(deps: DryDeps, loaded: ReadonlyMap<BlockId, unknown>, signal: AbortSignal) {
    const now = deps.host.now()
    this.#deps = deps
    this.#link = linkSignals(signal)
    this.#run = {
      id: `dry-${now.toString(36)}`,
      reason: 'manual',
      now,
      signal: this.#link.signal,
      loaded: new Set(loaded.keys()),
    }
  }

  [Symbol.dispose](): void {
    this.#link[Symbol.dispose]()
  }

  /** `wanted`: which of the blocks are kept. @throws BlockgateError what the source threw */
  async view(wanted: (block: Candidate) => boolean = () => true): Promise<DryView> {
    const listing = new Listing(this.#deps, this.#run, untraced())
    const { host } = this.#deps
    const blocks: Candidate[] = []
    let seen = 0
    const partial = new Map<BlockId, PartialBlock>()
    try {
      for (let page = await listing.next(); page; page = await listing.next()) {
        seen += page.blocks.length
        await inSlices(host, page.blocks, block => {
          if (wanted(block)) blocks.push(block)
        })
        await inSlices(host, page.partial, block => partial.set(block.id, block))
      }
    } finally {
      await listing.close()
    }
    return { seen, blocks, partial, complete: listing.complete && listing.cause === undefined }
  }

  /** Of one block in these stages: `passed`, or what kept it out. */
  outcome(candidate: Candidate, stages: readonly Named<BlockStage>[]): Promise<Outcome> {
    return this.#attempt(candidate, chainOf(stages))
  }

  /** The blocks that pass these stages, in their order. `known` passes without being asked for. */
  async filter(
    blocks: readonly Candidate[],
    stages: readonly Named<BlockStage>[],
    known?: BlockId,
  ): Promise<readonly Candidate[]> {
    const chain = chainOf(stages)
    const out = new Set<Candidate>()
    await eachBounded(blocks, this.#deps.concurrency, async block => {
      const outcome = block.meta.ulid === known ? passed : await this.#attempt(block, chain)
      if (outcome.kind === 'passed') out.add(block)
      else if (outcome.kind === 'failed') this.failed.set(block.meta.ulid, outcome.error)
      await pause(this.#deps.host)
    })
    return blocks.filter(block => out.has(block))
  }

  /** @throws BlockgateError what the set stage threw, or what is wrong with its answer */
  select(barrier: Named<SetStage>, blocks: readonly Candidate[]): Promise<Selected> {
    return select(this.#deps, barrier, blocks, this.#run, untraced())
  }

  async #attempt(candidate: Candidate, chain: Chain): Promise<Outcome> {
    const run = this.#run
    const { host, blockTimeoutMs } = this.#deps
    const id = candidate.meta.ulid
    const quiet = new BlockTrace(host)
    const deps = { host, blockTimeoutMs, stuck: new Map() }
    const outcome = await attempt(deps, run, candidate, run.loaded.has(id), chain, quiet)
    // What a stage answers after the signal may be because of the signal.
    run.signal.throwIfAborted()
    return outcome
  }
}

function chainOf(stages: readonly Named<BlockStage>[]): Chain {
  return compose(stages, async () => passed)
}

/** In this context the OpenTelemetry SDK records nothing; the key is that of `suppressTracing` in @opentelemetry/core. */
function untraced(): Context {
  return context.active().setValue(createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING'), true)
}
