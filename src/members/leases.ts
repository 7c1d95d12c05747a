/** Placement, and what is granted by it: nothing is locked, so what is held is judged by the last poll whenever somebody asks. */
import type { BlockMeta } from '../contracts/block.ts'
import { LeaseLost } from '../contracts/errors.ts'
import type { Claim, Epoch, Lease } from '../contracts/ownership.ts'
import type { EntriesView, SlotPrecondition } from './contract.ts'
import type { Membership } from './membership.ts'

/** What a plugin's placement says of a block. */
export interface Assigned {
  /** Who is to hold the block, by rank, down or not. */
  readonly targets: readonly string[]
  /** Who holds it in their place, where none of them is live. */
  readonly failoverOwner: string | undefined
  /** Every member that may hold it, by rank. */
  readonly ranked: readonly string[]
  /** A member that could be a target is still to become one: until then nobody lets go of the block. */
  readonly incomplete?: boolean
  /** As in Handover, where there is anything to say. */
  readonly why?: string | undefined
  /** What the targets were taken from beside the entries, for the store to compare. */
  readonly precondition?: SlotPrecondition | undefined
}

/** Pure: the same entries give the same answer in every member. */
export type Assign = (block: BlockMeta, entries: EntriesView) => Assigned

/** What a grant needs beside the entries: a lock, for plugins that have one. */
export interface LeasedLock {
  readonly fence: number
  readonly valid: boolean
  /** How long it is valid if it is not renewed, ms. */
  readonly remainingMs?: number | undefined
  /** Aborts when it is not valid any more. */
  readonly signal: AbortSignal
}

export interface Claimed {
  readonly membership: Membership
  readonly leases: Leases
  /** By the last poll. */
  readonly assigned: Assigned
  /** The version of the answer. */
  readonly epoch: Epoch
  /** What an owner must hold beside its place. @throws OwnershipUnavailable where it does not hold it */
  readonly lock?: (() => LeasedLock) | undefined
}

/**
 * Answers a claim: granted to an owner; and to the failover owner where all owners are down, unless another live member serves the
 * block or the cluster is frozen: then a takeover must wait.
 * @throws OwnershipUnavailable where it is not known who owns what
 */
export function claimOf(block: BlockMeta, { membership, leases, assigned, epoch, lock }: Claimed): Claim {
  const view = membership.mustKnow()
  const { me } = membership
  const { targets, failoverOwner } = assigned
  const denied = (reason: string): Claim => ({ status: 'denied', epoch, reason, owners: targets })
  if (view.member(me)?.draining) return denied('draining')
  const granted = (lease: Lease): Claim => ({ status: 'granted', epoch, lease, owners: targets })
  if (targets.includes(me)) return granted(leases.grant(block, lock?.()))
  if (failoverOwner !== me || view.frozen || membership.otherServer(view, block.ulid)) return denied('not-owner')
  return granted(leases.grant(block))
}

interface Granted {
  readonly block: BlockMeta
  readonly lock: LeasedLock | undefined
  readonly controller: AbortController
}

export class Leases {
  readonly #membership: Membership
  readonly #assign: Assign
  /** No set: one that is filled and emptied for each block leaves a table, and what was granted, among V8's old objects. */
  #granted: readonly Granted[] = []

  constructor(membership: Membership, assign: Assign) {
    this.#membership = membership
    this.#assign = assign
    membership.watch(() => this.#check())
    membership.onPoll(() => this.#check())
  }

  /** A lease is lost for a load that has begun only where another live member serves the block. */
  grant(block: BlockMeta, lock?: LeasedLock): Lease {
    const granted: Granted = { block, lock, controller: new AbortController() }
    const onLost = () => this.#check()
    lock?.signal.addEventListener('abort', onLost)
    const { signal } = granted.controller
    this.#granted = [...this.#granted, granted]
    return {
      fence: lock?.fence,
      get remainingMs() {
        return lock?.remainingMs
      },
      signal,
      assertHeld: (before = 'commit') => {
        signal.throwIfAborted()
        const why = this.#lost(granted, before)
        if (why !== undefined) throw new LeaseLost(why)
      },
      [Symbol.asyncDispose]: async () => {
        lock?.signal.removeEventListener('abort', onLost)
        this.#granted = this.#granted.filter(other => other !== granted)
      },
    }
  }

  #check(): void {
    for (const granted of this.#granted) {
      const { controller } = granted
      const why = controller.signal.aborted ? undefined : this.#lost(granted, 'commit')
      if (why !== undefined) controller.abort(new LeaseLost(why))
    }
  }

  /**
   * What is not known begins no load: then nothing is wasted. It ends none: a copy too many is harmless, a load that is thrown away
   * again and again is not.
   */
  #lost({ block, lock }: Granted, before: 'load' | 'commit'): string | undefined {
    const { known, me, session } = this.#membership
    const begins = before === 'load'
    if (session?.superseded) return begins ? 'a newer process has the id of this member' : undefined
    if (lock?.valid === false && begins) return 'the lock of the slot is not valid any more'
    if (!known) return begins ? 'it is not known now who owns the block' : undefined
    const { targets, failoverOwner } = this.#assign(block, known.entries)
    if (lock?.valid !== false && (targets.includes(me) || failoverOwner === me)) return undefined
    const owners = `the block belongs to ${targets.join(', ') || 'nobody'}`
    if (begins) return owners
    const server = this.#membership.otherServer(known, block.ulid)
    return server && `${owners}, and ${server} serves it`
  }
}
