/** Who may load a block: the seat that a ring, a Redis lease, a static hash or the user's own function fits. */
import type { BlockId, BlockMeta } from './block.ts'
import type { Component } from './host.ts'

/** Version of an ownership view; only grows. */
export type Epoch = number

export interface OwnershipPlugin extends Component {
  /** True where two members can never hold a claim on one block at once. */
  readonly exclusive: boolean
  /** Version of the answer for this block (redlock: its slot's fence), or of the whole view. Only grows. */
  epoch(block?: BlockMeta): Epoch
  /** Asked just before the add. Throws OwnershipUnavailable when it cannot know: nothing is added, nothing dropped. */
  readonly claim: (block: BlockMeta, signal: AbortSignal) => Promise<Claim>
  /** Calls `listener` after every change of the answers; `epoch()` already gives the new version then. */
  watch?(listener: (change: OwnershipChange) => void): Disposable
  /** Where there is none, a loaded block that claim() denies is dropped at once (static shards, plain functions). */
  readonly handover?: Handover
}

export interface OwnershipChange {
  readonly epoch: Epoch
  affects(block: BlockMeta): boolean
}

export interface Handover {
  /** All that this process serves, at start and after the store was lost. Excludes what is being dropped. */
  publish(served: ReadonlySet<BlockId>, signal: AbortSignal): Promise<void>
  serve(
    change: { readonly added: readonly BlockId[]; readonly dropped: readonly BlockId[] },
    signal: AbortSignal,
  ): Promise<void>
  /** One atomic step at the store; `needs` is the block itself, or the parent that supersedes it. */
  release(
    block: { readonly id: BlockId; readonly needs: BlockMeta },
    decidedIn: Epoch,
    signal: AbortSignal,
  ): Promise<'released' | 'kept'>
  /** Local, no side effect: for loaded blocks, explain, ready and the API. Throws OwnershipUnavailable like claim(). */
  owners(block: BlockMeta): readonly Owner[]
  members(): readonly Member[]
  drain(signal: AbortSignal): Promise<void>
}

export interface Member {
  readonly id: string
  readonly zone: string | undefined
  readonly address: string | undefined
  readonly state: 'active' | 'leaving' | 'down'
  /** Milliseconds since the last beat that was seen. */
  readonly beatAge: number
}

export interface Owner {
  readonly member: string
  readonly rank: number
  readonly target: boolean
  readonly serves: boolean
  readonly live: boolean
}

export type Claim =
  | { readonly status: 'granted'; readonly epoch: Epoch; readonly lease: Lease }
  | { readonly status: 'denied'; readonly epoch: Epoch; readonly reason: string; readonly owners: readonly string[] }

/** For the add only: the engine disposes it once the block's outcome is settled. What is loaded is protected by Handover. */
export interface Lease extends AsyncDisposable {
  /** Grows with every grant for the same thing; undefined where the plugin has none. */
  readonly fence: number | undefined
  /** Aborts, with LeaseLost as the reason, when the lease is lost. */
  readonly signal: AbortSignal
  /** @throws LeaseLost */
  assertHeld(): void
}

/** The smallest plugin: true means "mine". */
export type OwnershipFunction = (block: BlockMeta) => boolean | Promise<boolean>
