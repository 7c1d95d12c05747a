/** The contracts of the pipeline: source, block stage, set stage, sink, and outcomes. */
import type { BlockId, BlockMeta, Candidate } from './block.ts'
import type { Component, Host } from './host.ts'
import type { Epoch, Lease, OwnershipPlugin } from './ownership.ts'

export type RunReason = 'startup' | 'interval' | 'notification' | 'ownership-change' | 'manual'

/** One pass of the pipeline, as its stages see it. */
export interface RunContext {
  readonly id: string
  readonly reason: RunReason
  /** One reading of the wall clock for the whole run, ms: every filter agrees what "now" is. */
  readonly now: number
  readonly signal: AbortSignal
  /** What the sink held when the run began. */
  readonly loaded: ReadonlySet<BlockId>
}

/** A candidate on its way through the block stages of one segment. */
export interface BlockContext extends Candidate {
  readonly id: BlockId
  readonly run: RunContext
  /** True where the sink already holds the block. */
  readonly loaded: boolean
  /** Aborts at the run's end, the block's timeout, or when a lease above was lost. */
  readonly signal: AbortSignal
  readonly lease: Lease | undefined
  /**
   * Given to a sink's `prepare()`, which calls it with the bytes that the block will take before it writes them, and again where
   * they turn out to be others. @throws BlockgateError `disk-budget` where they do not fit
   */
  readonly reserve?: ((bytes: number) => void) | undefined
}

declare const brand: unique symbol

export interface SkipOptions {
  /** Keep the block if it is loaded: the stage does not know enough to let it go. */
  readonly retain?: boolean
  /** Look at the block again in the same run when ownership changes. */
  readonly recheck?: 'ownership-change'
  /** For people, beside the reason: `until 2026-01-31T10:30:00Z`. */
  readonly detail?: string
  /** Its time is over (marked for deletion, too old): the last loaded block may go without a question; many at once still ask. */
  readonly expired?: boolean
  /**
   * When time alone may change the verdict, ms since the epoch; Infinity: it never does. Until then a run that lists new blocks alone
   * does not ask again. Without it the stage is asked in every run that lists.
   */
  readonly until?: number
}
export type Skip = { readonly [brand]: 'skip'; readonly reason: string } & SkipOptions

/** A stage's verdict "not this block". `reason` is kebab-case: it becomes a metric label. */
export function skip(reason: string, options: SkipOptions = {}): Skip {
  return { kind: 'skip', reason, ...options } as unknown as Skip
}

/**
 * What became of a block. Only the engine makes one, and stamps `by` with the stage's name. `passed`: it went through the
 * stages before a set stage, and the rest is decided after that.
 */
export type Outcome = { readonly [brand]: 'outcome' } & (
  | { readonly kind: 'added' | 'unchanged' | 'passed' }
  | {
      readonly kind: 'skipped'
      readonly by: string
      readonly reason: string
      readonly retain: boolean
      readonly recheck: boolean
      readonly detail: string | undefined
      readonly expired: boolean
      /** As in SkipOptions; Infinity for the verdict of a set stage. */
      readonly until: number | undefined
      /** Set where the ownership plugin denied the block, or its lease was lost: the epoch of that answer. */
      readonly epoch: Epoch | undefined
    }
  | { readonly kind: 'failed'; readonly by: string; readonly error: unknown }
)

/** An outcome, or what the end of a run did with a loaded block. */
export type BlockResult =
  | Outcome
  | { readonly kind: 'dropped' | 'retained'; readonly by: string; readonly reason: string }

/** Runs the stages below, under their lease and signal and these. Never rejects: a failure is an outcome. Call it at most once, and await it. */
export type Next = (change?: { readonly lease?: Lease; readonly signal?: AbortSignal }) => Promise<Outcome>

/** Asked once per block, concurrently for many blocks. Returns what `next()` returned, or `skip(reason)`. */
export interface BlockStage extends Component {
  readonly kind: 'block'
  readonly handle: (block: BlockContext, next: Next) => Promise<Outcome | Skip>
}

/** Sees every block at once, and keeps no state between runs. A run that lists new blocks alone, and finds none, does not ask it. */
export interface SetStage extends Component {
  readonly kind: 'set'
  /** Names every id exactly once, in the new order. A throw ends the run and changes nothing. */
  readonly select: (
    blocks: readonly Candidate[],
    run: RunContext,
  ) => readonly Selection[] | Promise<readonly Selection[]>
}

export interface Selection {
  readonly id: BlockId
  /** The reason to skip it; absent means: goes on. */
  readonly skip?: string
  /** The block that holds all of this one. A loaded block stays until that one is served. */
  readonly supersededBy?: BlockId
}

/** A block that the source saw but cannot offer. `keep` keeps it if it is loaded; without it, it counts as absent. */
export interface PartialBlock {
  readonly id: BlockId
  readonly reason: string
  readonly error?: unknown
  /** For people, beside the reason of a block that is no failure. */
  readonly detail?: string | undefined
  readonly keep: boolean
}

export interface Page {
  readonly blocks: readonly Candidate[]
  readonly partial: readonly PartialBlock[]
  /** @deprecated Nothing reads it: a run always lists from the beginning. */
  readonly resume?: string | undefined
}

/** How a view ended. */
export interface ViewEnd {
  readonly complete: boolean
  /** For people, an error or a sentence without a final period: why the view is incomplete, or shows no block. */
  readonly cause?: unknown
  /**
   * Of an incomplete view that is no failure: on what it rests in place of a listing, for people (`the catalogue of …`). Its run
   * adds blocks and drops none, and a run that lists follows at once.
   */
  readonly restsOn?: string | undefined
}

/** An object as the bucket showed it. */
export interface ObjectVersion {
  readonly etag: string
  readonly size: number
  /** Milliseconds since the epoch. */
  readonly modified: number
}

/** What was read of a block, as it stands while the bucket shows these versions. Plain data. */
export interface ReadBlock {
  readonly id: BlockId
  /** Of meta.json. One without a `meta` makes no candidate. */
  readonly read?: (ObjectVersion & { readonly meta?: BlockMeta; readonly uploaded?: number | undefined }) | undefined
  /** Of deletion-mark.json, when it was made in ms; a `problem` where it cannot be used. */
  readonly mark?:
    | (ObjectVersion & { readonly time?: number | undefined; readonly problem?: string | undefined })
    | undefined
  /** Another gateway has read it, and this one has not. */
  readonly told?: true | undefined
}

/** What a source has read: for another gateway, and what another gateway has read for it. What the listing shows just so is not read again. */
export interface SharedReads {
  /** Before the others. */
  load(): Promise<void>
  readonly known: { readonly ids: Iterable<BlockId> }
  get(id: BlockId): ReadBlock | undefined
  /** Of a block that makes a candidate. */
  set(block: ReadBlock & { readonly read: ObjectVersion & { readonly meta: BlockMeta } }): void
  delete(id: BlockId): void
}

export interface BlockSource extends Component {
  readonly kind: 'source'
  /** Yields every block at most once, and returns whether the view was complete. */
  pages(run: RunContext): AsyncGenerator<Page, ViewEnd, undefined>
  /** Undefined before the start. */
  readonly reads?: SharedReads | undefined
  /**
   * Called when the block is loaded, of a source that offers what it has not read itself: undefined, or a promise that rejects where the
   * bucket says otherwise. The block is not shown before it resolves.
   */
  confirm?(block: BlockContext): Promise<void> | undefined
  /**
   * Present on a source that can look at new blocks alone, where there was a complete view before. Undefined: this run must list everything.
   * Must not throw.
   */
  tail?(run: RunContext): Tail | undefined
}

/** A look at new blocks. */
export interface Tail {
  /**
   * Yields the blocks that came or changed, as far as that is cheap to see, and may yield others. What it does not yield is as it was: nothing
   * counts as gone.
   */
  readonly pages: ReturnType<BlockSource['pages']>
  /** `compareTail` of `blockgate/source`: it is not part of the engine, so that only those have it who need it. */
  readonly compare: (
    next: () => Promise<Page | undefined>,
    before: Before,
    engine: TailEngine,
    now: number,
  ) => Promise<Compared>
}

/** The parts of the engine that say what may be another now. */
export interface TailEngine {
  readonly host: Host
  readonly plan: {
    readonly segments: readonly { readonly stages: readonly { readonly name: string }[] }[]
    readonly sink: { readonly name: string; readonly stage: BlockSink }
    readonly ownership: OwnershipPlugin
  }
}

/** What the run before has left, and what ownership did since. */
export interface Before {
  readonly view: {
    readonly seen: ReadonlyMap<BlockId, Candidate>
    readonly partial: ReadonlyMap<BlockId, PartialBlock>
    readonly outcomes: ReadonlyMap<BlockId, Outcome>
  }
  readonly changes: { affects(block: BlockMeta): boolean }
}

export interface Compared {
  /** All blocks there are, those that are new first; undefined where no stage before the last set stage can have anything new to say. */
  readonly all: Page | undefined
  /** What stays of the view; a block without an outcome is offered to the add again. */
  readonly kept: object
}

export interface BlockSink extends Component {
  readonly kind: 'sink'
  /** What is held now: whole, validated, and there after a restart. Cheap: asked often. */
  loaded(): ReadonlyMap<BlockId, LoadedBlock>
  /** Blocks of `loaded()` whose copy turned out to be damaged: the next run withdraws them, drops them, and loads them again. */
  damaged?(): ReadonlySet<BlockId>
  /** Load without showing. A throw or an abort leaves nothing that loaded() or a restart can see. */
  readonly prepare: (block: BlockContext) => Promise<PreparedBlock>
  /** Gone from loaded() before the first await; files go when the last reader closed. */
  drop(id: BlockId, signal: AbortSignal): Promise<void>
  /** A block of `loaded()` was offered with this meta. Where it says what the sink has of the block, the sink may keep it as its own: one copy is enough. */
  offered?(meta: BlockMeta): void
  /** Present on sinks that can keep a block that is loaded and does not show. */
  readonly warm?: WarmBlocks
  /** Present on sinks that can be queried. Synchronous, so nothing can be dropped between choosing and holding. */
  open?(id: BlockId): BlockReader | undefined
}

/**
 * Blocks that are loaded ahead. None of them shows, is in `loaded()`, or is told to anybody. `prepare()` of such a block takes what is
 * warm, verified, without a request; where that is of no use it is removed, and the block is loaded as any other.
 */
export interface WarmBlocks {
  /** Bytes by block; in the order in which they came, and there after a restart. Cheap: asked often. */
  readonly held: ReadonlyMap<BlockId, number>
  /** Blocks that were committed from what was warm, since the start. */
  readonly hits: number
  /** Loads as prepare() does, and keeps it. A throw or an abort leaves nothing. */
  keep(block: BlockContext): Promise<void>
  /** Not in `held` any more at once; files go soon after. */
  forget(id: BlockId): void
  /** Forgets, those that came last first, until at most `bytes` are left. */
  shrink(bytes: number): void
  /** From now on a block that is dropped, and is whole, is kept warm, as long as all that is warm has at most `bytes`. Before: none is. */
  keepDropped?(bytes: number): void
}

export interface LoadedBlock {
  readonly meta: BlockMeta
  readonly bytes: number
  readonly fence: number | undefined
}

/** A block that is loaded but not shown. Disposing it without a commit leaves nothing behind; after a commit it is a no-op. */
export interface PreparedBlock extends AsyncDisposable {
  readonly bytes: number
  /** True where it was warm: nothing was asked of the bucket. */
  readonly warm?: boolean
  commit(): Promise<void>
}

export interface BlockReader extends Disposable {
  readonly meta: BlockMeta
  /** Bytes of the file `index-header`, where the sink keeps one. Without it, the header is made from the index. */
  readonly headerBytes?: number | undefined
  /** True where a read of a file but the header is a request to the bucket: what was read is kept in the cache of queries. */
  readonly isRemote?: boolean | undefined
  readonly files: RangeReader
}

/** Reads files of a block, within what the meta says are their sizes. */
export interface RangeReader {
  read(file: string, offset: number, length: number, signal: AbortSignal): Promise<Uint8Array>
}

export type Stage = BlockSource | BlockStage | SetStage | BlockSink
export type Pipeline = readonly [BlockSource, ...(BlockStage | SetStage)[], BlockSink]
