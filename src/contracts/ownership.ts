/** Who may load a block: the contract of a ring, a Redis lease, a static hash or the user's own function. */
import type { BlockId, BlockMeta, Candidate } from './block.ts'
import type { Component } from './host.ts'

/** Version of an ownership view; only grows. */
export type Epoch = number

export interface OwnershipPlugin extends Component {
  /** True where two members can never hold a claim on one block at once. */
  readonly exclusive: boolean
  /** Version of the answer for this block (redlock: its slot's fence), or of the whole view. Only grows. */
  epoch(block?: BlockMeta): Epoch
  /** Asked just before the add. @throws OwnershipUnavailable when it cannot know: then nothing is added, and nothing dropped */
  readonly claim: (block: BlockMeta, signal: AbortSignal) => Promise<Claim>
  /** Calls `listener` after every change of the answers; `epoch()` already gives the new version then. */
  watch?(listener: (change: OwnershipChange) => void): Disposable
  /** Told of all blocks that the stages before it let through, after each complete view of the bucket. Returns at once. */
  offered?(blocks: readonly Candidate[]): void
  /** Without it a loaded block that claim() denies is dropped at once, unless all are denied: then a person is asked. */
  readonly handover?: Handover
  /** What operators see and do; also where the plugin was started as an observer. */
  readonly operator?: Operator
  /** The services that it asks, each once it was asked; for metrics. */
  dependencies?(): readonly Dependency[]
}

export interface Dependency {
  /** What it is, such as `member-store` or `lock-server`. */
  readonly name: string
  /** Which one of several, `host:port`. Default: there is one. */
  readonly server?: string
  /** Whether it answered the last request. */
  readonly up: boolean
}

export interface OwnershipChange {
  /** Larger than before where owners changed; the same where only what members serve did. */
  readonly epoch: Epoch
  affects(block: BlockMeta): boolean
}

export interface ServedChange {
  readonly added: readonly BlockId[]
  readonly dropped: readonly BlockId[]
  /** Of blocks of `added` that another member serves and is to let go of: the W3C `traceparent` that it may go on with. */
  readonly traces?: ReadonlyMap<BlockId, string> | undefined
}

export interface Handover {
  /** All that this process serves, at start and after the store was lost, without what is being dropped. */
  publish(served: ReadonlySet<BlockId>, signal: AbortSignal): Promise<void>
  serve(change: ServedChange, signal: AbortSignal): Promise<void>
  /**
   * One atomic step at the store: may the block go? `superseding` is the block itself, or the parent that supersedes it. After
   * `kept` a change that affects the block says when to ask again. `urgent`: the disk is short, so one other live server is enough.
   */
  release(
    block: { readonly id: BlockId; readonly superseding: BlockMeta; readonly urgent?: boolean },
    decidedIn: Epoch,
    signal: AbortSignal,
  ): Promise<'released' | 'kept'>
  /** What the member that has loaded the block told of its trace by `serve()`. Never rejects. */
  traceOf?(id: BlockId): Promise<string | undefined>
  /** The W3C `traceparent` of the last change of the epoch, where it is known. */
  epochTrace?(): string | undefined
  /** By rank. Local, without side effects. @throws OwnershipUnavailable like claim() */
  owners(block: BlockMeta): readonly Owner[]
  /**
   * Members of which each one, if it went alone, would leave the block to this one. Empty, of a process that only observes: it is to hold the
   * block as soon as it is a member. Undefined: none, or it is not known, or the block is this one's already. A guess is enough: it says what is
   * worth loading ahead. Local, without side effects.
   */
  next?(block: BlockMeta): readonly string[] | undefined
  /** Whether next() knows what a process that only observes would hold. Default: it does not. */
  readonly foresees?: boolean
  /** Why these are its owners, one sentence without a final period, for people. Local, like owners(), and only where that answers. */
  why?(block: BlockMeta): string | undefined
  /** Whether owners() may answer now, and members() is up to date. True where it is left out. */
  known?(): boolean
  members(): readonly Member[]
  standing(): Standing
  /** Why owners are not known now, one sentence without a final period; undefined where they are. */
  unknown?(): string | undefined
  /** Whether clients ask this process: if not, no other may drop a block because it is served here. True until told otherwise. */
  ready(is: boolean): void
  /** For operators, told with the next heartbeat. */
  report(stats: MemberStats): void
  /** Since the start; for metrics. */
  counts(): HandoverCounts
}

/** What did not go well between this process and the member store. */
export interface HandoverCounts {
  /** Calls that failed, or whose answer was lost. */
  readonly storeErrors: number
  /** Silent members that were not marked unhealthy, because too many were silent at once. */
  readonly refusedExpiries: number
  /** Invalid entries of the store, left out. */
  readonly broken: number
  /** How late a heartbeat began, ms: the longest of the last 60. Undefined where there are none. */
  readonly heartbeatDelayMs?: number | undefined
  /** Of a placement that members publish. */
  readonly placement?: PlacementCounts | undefined
}

/** What a process knows of the placement that members publish, and what it did about it. */
export interface PlacementCounts {
  /** Blocks that the published placement names. */
  readonly named: number
  /** The most bytes of a member ÷ the mean, of copies that are to be held, as of the last look here. Undefined before the first. */
  readonly skew: number | undefined
  /** Placements that this process published. */
  readonly published: number
  /** Placements that it worked out, and that the store refused because something else had come first. */
  readonly lost: number
  /** Published placements that could not be read: a hash decided. */
  readonly broken: number
}

export type MemberState = 'active' | 'leaving' | 'down'

/**
 * `joining`: not a member yet. `alone`: the store could not be reached since the start, so what is held is served.
 * `superseded`: a newer process has this id, and this one must not be asked any more.
 */
export type Standing = 'joining' | 'alone' | 'member' | 'leaving' | 'superseded'

export interface Member {
  readonly id: string
  readonly zone: string | undefined
  readonly address: string | undefined
  readonly state: MemberState
  /** Milliseconds since the last heartbeat that was seen; Number.MAX_SAFE_INTEGER before the first. */
  readonly heartbeatAge: number
}

export interface Owner {
  readonly member: string
  readonly rank: number
  /** It is to hold the block now: by placement, or as the failover owner. */
  readonly target: boolean
  readonly serves: boolean
  readonly live: boolean
}

/** Counts of blocks of one member, and bytes; each >= 0. */
export interface MemberStats {
  readonly assigned: number
  readonly serving: number
  readonly pendingHandOff: number
  readonly lastCopy: number
  readonly failed: number
  readonly bytes: number
}

/** The member store as operators see it. Rejects with OwnershipUnavailable where the store cannot be reached. */
export interface Operator {
  /** Why another process cannot use it, one sentence without a final period; undefined where it can. */
  readonly unavailable: string | undefined
  ring(): Promise<Ring>
  advertised(member: string): Promise<ReadonlySet<BlockId>>
  /** False: no such member. */
  drain(member: string, on: boolean): Promise<boolean>
  freeze(on: boolean): Promise<void>
  /** `alive`: it must be down, or drained and stopped, before it can be forgotten. */
  forget(member: string): Promise<'forgotten' | 'unknown' | 'alive'>
  /** Where members hold slots of blocks: who holds which, as it was read last. Local. */
  slots?(): HeldSlots
}

export interface HeldSlots {
  /** Slots are numbered from 0 to `count` − 1. */
  readonly count: number
  /** By slot and rank; a slot that nobody ever held is absent, and one that was given up has the holder `''`. */
  readonly holders: readonly { readonly slot: number; readonly rank: number; readonly holder: string }[]
}

export interface Ring {
  readonly epoch: Epoch
  /** Why the epoch moved last. */
  readonly cause: string
  readonly storeId: string
  readonly frozen: boolean
  /** By id. */
  readonly members: readonly RingMember[]
}

export interface RingMember extends Member {
  /** Clients ask it, and it has told this store all that it serves: its advertised blocks count. */
  readonly ready: boolean
  readonly placed: boolean
  readonly draining: boolean
  readonly incarnation: number
  readonly fingerprint: string
  /** Undefined before its first heartbeat. */
  readonly stats: MemberStats | undefined
}

export type Claim =
  | {
      readonly status: 'granted'
      readonly epoch: Epoch
      readonly lease: Lease
      /** Who is to hold the block, for people. */
      readonly owners?: readonly string[] | undefined
    }
  | { readonly status: 'denied'; readonly epoch: Epoch; readonly reason: string; readonly owners: readonly string[] }

/** For the add only: the engine disposes it once the block has its outcome. What is loaded is protected by Handover. */
export interface Lease extends AsyncDisposable {
  /** Grows with every grant for the same thing; undefined where the plugin has none. */
  readonly fence: number | undefined
  /** How long it is held if nothing renews it, ms, when it is asked; for people. Undefined: it has no such end. */
  readonly remainingMs?: number | undefined
  /** Aborts, with LeaseLost as the reason, when the lease is lost. */
  readonly signal: AbortSignal
  /**
   * Asked before the load begins, and again before the loaded block is shown: then only a block that somebody else serves
   * is worth throwing away.
   * @throws LeaseLost
   */
  assertHeld(before?: 'load' | 'commit'): void
}

/** The smallest plugin: true means "mine". An answer that is no boolean fails the block. */
export type OwnershipFunction = (block: BlockMeta) => boolean | Promise<boolean>
