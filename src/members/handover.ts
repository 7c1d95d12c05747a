/**
 * The hand-over of blocks between members: a loaded block that is not this member's lingers until its owners were seen
 * serving it, and then goes by one step of the store. docs/protocol.md says why.
 */
import type { BlockId, BlockMeta } from '../contracts/block.ts'
import type { Epoch, Handover, HandoverCounts, Member, MemberStats, Owner, Standing } from '../contracts/ownership.ts'
import type { Assign } from './assigned.ts'
import type { MemberStore } from './contract.ts'
import { type JudgingOptions, judge } from './judging.ts'
import type { Membership } from './membership.ts'
import { PendingHandOffs } from './pending-hand-off.ts'
import { Releases } from './releases.ts'

export interface HandoverOptions extends JudgingOptions {
  readonly store: MemberStore
  /** The version of the answer for a block, where it is not the epoch of the record. */
  readonly epochOf?: ((block: BlockMeta) => Epoch) | undefined
  /** What `owners()` asks in place of `assign`: it may throw OwnershipUnavailable. */
  readonly mustAssign?: Assign | undefined
}

export class MemberHandover implements Handover {
  readonly #options: HandoverOptions
  readonly #membership: Membership
  readonly #releases: Releases
  readonly #pendingHandOff: PendingHandOffs

  constructor(options: HandoverOptions) {
    const { membership, store } = options
    this.#options = options
    this.#membership = membership
    this.#releases = new Releases(store, membership)
    this.#pendingHandOff = new PendingHandOffs(
      block => judge(block, options).verdict,
      ids => membership.tell(block => ids.has(block.ulid)),
    )
    membership.onLook(({ broken }) => {
      if (broken) this.#pendingHandOff.interrupted()
      if (membership.host) this.#pendingHandOff.check(membership.host)
    })
  }

  /** To be called before the membership is stopped. */
  stop(): void {
    this.#pendingHandOff.stop()
  }

  publish(served: ReadonlySet<BlockId>, signal: AbortSignal): Promise<void> {
    return this.#membership.publish(served, signal)
  }

  async serve(change: Parameters<Handover['serve']>[0], signal: AbortSignal): Promise<void> {
    await this.#membership.serve(change, signal)
    for (const id of change.dropped) this.#pendingHandOff.delete(id)
  }

  async release(
    { id, superseding, urgent = false }: Parameters<Handover['release']>[0],
    decidedIn: Epoch,
    signal: AbortSignal,
  ): Promise<'released' | 'kept'> {
    signal.throwIfAborted()
    const { host, known } = this.#membership
    if (!host) return 'kept'
    const block = this.#pendingHandOff.ask(host, id, superseding, urgent)
    const { verdict, targets, quorum, precondition } = judge(block, this.#options)
    if (typeof verdict === 'object') this.#pendingHandOff.later(host, verdict.wait)
    // No round trip where the answer is known.
    if (verdict !== 'ready' || !known || decidedIn !== (this.#options.epochOf?.(superseding) ?? known.epoch))
      return 'kept'
    const item = { id, superseding: superseding.ulid, targets, quorum, precondition }
    if (!(await this.#releases.release(item, known.epoch, signal))) return 'kept'
    this.#pendingHandOff.delete(id)
    return 'released'
  }

  owners(block: BlockMeta): readonly Owner[] {
    const view = this.#membership.mustKnow()
    const { assign, mustAssign = assign } = this.#options
    const { targets, failoverOwner, ranked } = mustAssign(block, view.record)
    const serves = (member: string) => this.#membership.serves(member, block.ulid)
    // All members have a rank, mostly: to compare each with each takes longer than all the rest.
    const unranked = new Set(view.record.members.keys())
    for (const member of ranked) unranked.delete(member)
    const others = [...unranked].filter(serves)
    return [...ranked, ...others].map((member, rank) => ({
      member,
      rank,
      target: targets.includes(member) || member === failoverOwner,
      serves: serves(member),
      live: view.live.has(member),
    }))
  }

  known(): boolean {
    return this.#membership.known !== undefined
  }

  members(): readonly Member[] {
    const { view } = this.#membership
    return [...(view?.record.members.values() ?? [])].map(({ id, zone, address, state }) => ({
      id,
      zone,
      address,
      state,
      heartbeatAge: this.#membership.heartbeatAge(id),
    }))
  }

  unknown(): string | undefined {
    return this.#membership.gap
  }

  standing(): Standing {
    return this.#membership.standing
  }

  ready(is: boolean): void {
    this.#membership.ready(is)
  }

  report(stats: MemberStats): void {
    this.#membership.report(stats)
  }

  counts(): HandoverCounts {
    return this.#membership.counts
  }
}
