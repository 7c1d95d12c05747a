/** Loading blocks that are about to come here, before they do: the contract between the engine and whoever decides which. */
import type { BlockId, BlockMeta, Candidate } from './block.ts'
import type { Host, Instance, LocalFiles, Problem } from './host.ts'
import type { Plan } from './plan.ts'
import type { Outcome } from './stage.ts'

/** What `prewarm` of a config may be. A factory is pure and never throws, as a Component's. */
export interface Prewarm {
  /** Kebab-case, the name of the plugin's folder. */
  readonly name: string
  /** What the factory was given: `blockgate check` and the pages show it. */
  readonly options?: unknown
  /** Pure. What is wrong with the options, also together with `pipeline` of the config, which nobody has checked. */
  check?(pipeline?: unknown): readonly Problem[]
  /** Nothing begins before `start()`. */
  create(services: PrewarmServices): Prewarmer
}

/** What the engine lets a prewarmer see. It may ask for all of it at any time. */
export interface PrewarmServices {
  readonly host: Host
  readonly instance: Instance
  readonly files: LocalFiles | undefined
  readonly plan: Plan
  /** `diskBudget` of the config in bytes; Infinity: no limit. */
  readonly diskBudget: number
  readonly budget: {
    /** Bytes of the disk budget that neither loaded blocks nor loads take now. */
    readonly left: number
  }
  readonly runner: {
    /** All that came to the add in the run that goes on or in the last one, and what became of it; undefined while that is not known. */
    readonly offers:
      | { readonly offered: readonly Candidate[]; readonly outcomes: ReadonlyMap<BlockId, Outcome> }
      | undefined
    /** Of a run that goes on: its adds go first. Undefined where none does. */
    readonly progress: object | undefined
  }
  /** A load is written down before it starts, so that a block that ends the process does so once. */
  readonly journal: {
    begin(id: BlockId): Promise<void>
    end(id: BlockId, loaded: boolean): Promise<void>
    /** How often the process crashed while the block was loaded. */
    crashes(id: BlockId): number
  }
  /** Runs `work`, a load of the block, as a trace of its own. */
  span<T>(id: BlockId, work: () => Promise<T>): Promise<T>
}

/** No method may throw, and none but `stop` may be called before `start`. */
export interface Prewarmer {
  start(): void
  /**
   * Loads blocks that will be this gateway's once it is a member, before it is one. Called before `start`, with the sink at work; where it
   * is left out, a gateway joins at once. Resolves when all are loaded, or as soon as `signal` aborts; one that fails is loaded later, as any other.
   */
  join?(blocks: readonly Candidate[], signal: AbortSignal): Promise<void>
  /** Nothing is begun from now on. Resolves when no load goes on, or when `signal` aborts. */
  stop(signal: AbortSignal): Promise<void>
  /** Where the load by queries is read from: while queries wait, or most places are taken, nothing is begun. */
  observeQueries(queries: { running(): number; queued(): number }, concurrent: number): void
  readonly stats: PrewarmStats
  /** Why the block is warm, one sentence without a final period; undefined where it is not. */
  why(block: BlockMeta): string | undefined
}

/** For metrics; counts are since the start. */
export interface PrewarmStats {
  readonly blocks: number
  readonly bytes: number
  /** Blocks that were warmed. */
  readonly loaded: number
  readonly failed: number
  /** Blocks that were added from what was warm, without a request. */
  readonly hits: number
  /** Blocks that were warm for an hour, or let go of, and never used; each once. */
  readonly wasted: number
  /** Why nothing is begun now; undefined: it may. */
  readonly paused: PrewarmPause | undefined
}

/** `sync`: a run goes on. `queries`: too many run or wait. `unknown`: it is not known who owns what. */
export type PrewarmPause = 'sync' | 'queries' | 'unknown'
