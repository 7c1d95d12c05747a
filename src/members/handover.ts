/**
 * The hand-over of blocks between members: a loaded block that is not this member's is kept until its owners were seen serving it, and
 * then goes by one step of the store. docs/protocol.md says why.
 */
import { trace } from '@opentelemetry/api'
import { elapsed, mark } from '../async/clock.ts'
import type { BlockId, BlockMeta } from '../contracts/block.ts'
import type {
  Dependency,
  Epoch,
  Handover,
  HandoverCounts,
  Member,
  MemberStats,
  Owner,
  PlacementCounts,
  ServedChange,
  Standing,
} from '../contracts/ownership.ts'
import type { EntriesView, MemberStore, ReleaseItem, SlotPrecondition } from './contract.ts'
import { tellRelease } from './epoch-spans.ts'
import type { Assign } from './leases.ts'
import type { Membership } from './membership.ts'
import { Moves } from './moves.ts'
import { type PendingHandOff, PendingHandOffs, type Verdict } from './pending.ts'
import { Releases } from './releases.ts'

export interface HandoverOptions {
  readonly store: MemberStore
  readonly membership: Membership
  readonly assign: Assign
  /** A block goes only after all its owners were seen serving it for this long, ms: as long as clients take to notice. */
  readonly handoverDelayMs: number
  /** After so long, ms, one other member that serves the block is enough. Undefined: never. */
  readonly maxPendingMs: number | undefined
  /** The version of the answer for a block, where it is not the epoch of the entries. */
  readonly epochOf?: ((block: BlockMeta) => Epoch) | undefined
  /** What `owners()` asks in place of `assign`: it may throw OwnershipUnavailable. */
  readonly mustAssign?: Assign | undefined
  /** Whether the member `me`, which may not be one yet, is to hold the block once it is. Default: it is not known. */
  readonly joining?: ((block: BlockMeta, entries: EntriesView, me: string) => boolean) | undefined
  /** Who would be to hold the block without the member `gone`. Default: the first one that is not to hold it now. */
  readonly without?: ((block: BlockMeta, entries: EntriesView, gone: string) => readonly string[]) | undefined
  /** As in HandoverCounts. */
  readonly placement?: (() => PlacementCounts) | undefined
}

interface Judgement {
  readonly verdict: Verdict
  /** As in ReleaseItem. */
  readonly targets: readonly string[]
  readonly quorum: ReleaseItem['quorum']
  readonly precondition?: SlotPrecondition | undefined
}

export class MemberHandover implements Handover {
  readonly #options: HandoverOptions
  readonly #membership: Membership
  readonly #releases: Releases
  readonly #pending: PendingHandOffs
  readonly #moves: Moves

  constructor(options: HandoverOptions) {
    const { membership, store } = options
    this.#options = options
    this.#membership = membership
    this.#releases = new Releases(store, membership)
    this.#moves = new Moves(store, membership)
    this.#pending = new PendingHandOffs(
      block => this.#judge(block).verdict,
      ids => membership.tell(block => ids.has(block.ulid)),
    )
    membership.onPoll(({ broken }) => {
      if (broken) this.#pending.interrupted()
      if (membership.host) this.#pending.check(membership.host)
    })
  }

  /** To be called before the membership is stopped. */
  stop(): void {
    this.#pending.stop()
  }

  publish(served: ReadonlySet<BlockId>, signal: AbortSignal): Promise<void> {
    return this.#membership.publish(served, signal)
  }

  async serve(change: ServedChange, signal: AbortSignal): Promise<void> {
    const { traces } = change
    // First: whoever sees the block served may let go of it at once.
    if (traces && traces.size > 0) await this.#moves.tell(traces)
    await this.#membership.serve(change, signal)
    for (const id of change.dropped) this.#pending.delete(id)
  }

  async release(
    { id, superseding, urgent = false }: Parameters<Handover['release']>[0],
    decidedIn: Epoch,
    signal: AbortSignal,
  ): Promise<'released' | 'kept'> {
    signal.throwIfAborted()
    const { host, known } = this.#membership
    if (!host) return 'kept'
    const { verdict, ...judged } = this.#judge(this.#pending.ask(host, id, superseding, urgent))
    if (typeof verdict === 'object') this.#pending.later(host, verdict.wait)
    // No round trip where the answer is known.
    const moved = decidedIn !== (this.#options.epochOf?.(superseding) ?? known?.epoch)
    if (verdict !== 'ready' || !known || moved) {
      const why = typeof verdict === 'object' ? 'handover-delay' : verdict.replace(' ', '-')
      tellRelease(trace.getActiveSpan(), moved ? 'epoch' : why, judged.targets, judged.quorum)
      return 'kept'
    }
    const item = { id, superseding: superseding.ulid, ...judged }
    if (!(await this.#releases.release(item, known.epoch, signal))) return 'kept'
    this.#pending.delete(id)
    return 'released'
  }

  /**
   * Judges by the last poll whether the block could go, and notes in `block.seen` who is seen serving. The store decides: this only
   * spares it the questions whose answer is known.
   */
  #judge({ id, superseding, urgent, since, seen }: PendingHandOff): Judgement {
    const { assign, handoverDelayMs, maxPendingMs } = this.#options
    const { known, host, me } = this.#membership
    if (!known || !host) return { verdict: 'blocked', targets: [], quorum: 'all' }
    const owners = assign(superseding, known.entries)
    if (id === superseding.ulid && (owners.targets.includes(me) || owners.failoverOwner === me)) {
      return { verdict: 'owned again', targets: [], quorum: 'all' }
    }

    const any = urgent || (maxPendingMs !== undefined && elapsed(since, mark(host)) >= maxPendingMs)
    const targets = any ? [...known.live].filter(member => member !== me) : owners.targets
    const now = host.monotonic()
    for (const member of seen.keys()) if (!targets.includes(member)) seen.delete(member)
    for (const member of targets) {
      if (!known.counts(member) || !this.#membership.serves(member, superseding.ulid)) seen.delete(member)
      else if (!seen.has(member)) seen.set(member, now)
    }

    const quorum = any ? 'any' : 'all'
    const precondition = any ? undefined : owners.precondition
    const enough = seen.size > 0 && (any || (!owners.incomplete && seen.size === targets.length))
    if (!enough || known.frozen || !known.fingerprintsAgree)
      return { verdict: 'blocked', targets, quorum, precondition }
    // Of `any` the one that was seen first, of `all` the one that was seen last.
    const begun = any ? Math.min(...seen.values()) : Math.max(...seen.values())
    const wait = begun + (urgent ? 0 : handoverDelayMs) - now
    return { verdict: wait > 0 ? { wait } : 'ready', targets, quorum, precondition }
  }

  traceOf(id: BlockId): Promise<string | undefined> {
    return this.#moves.of(id)
  }

  epochTrace(): string | undefined {
    return this.#membership.view?.entries.trace
  }

  owners(block: BlockMeta): readonly Owner[] {
    const view = this.#membership.mustKnow()
    const { assign, mustAssign = assign } = this.#options
    const { targets, failoverOwner, ranked } = mustAssign(block, view.entries)
    const serves = (member: string) => this.#membership.serves(member, block.ulid)
    // A set, because mostly all members are ranked: comparing each with each would take longer than all the rest.
    const unranked = new Set(view.entries.members.keys())
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

  get foresees(): boolean {
    return this.#options.joining !== undefined
  }

  next(block: BlockMeta): readonly string[] | undefined {
    const { assign, without, joining } = this.#options
    const { known, me, session } = this.#membership
    if (known && !session) {
      const isNew = !known.member(me)?.draining && joining?.(block, known.entries, me)
      return isNew ? [] : undefined
    }
    // A member that drains is given nothing.
    if (!known?.live.has(me) || known.member(me)?.draining) return undefined
    const { targets, failoverOwner, ranked } = assign(block, known.entries)
    if (targets.includes(me) || failoverOwner === me) return undefined
    // Whoever is down, and has its place, is taken for back soon: a restart changes nothing.
    const heir = without ? undefined : ranked.find(id => !targets.includes(id))
    const after = targets.filter(gone => (without?.(block, known.entries, gone) ?? [heir]).includes(me))
    return after.length > 0 ? after : undefined
  }

  why(block: BlockMeta): string | undefined {
    const { known } = this.#membership
    return known && this.#options.assign(block, known.entries).why
  }

  known(): boolean {
    return this.#membership.known !== undefined
  }

  members(): readonly Member[] {
    const { observer } = this.#membership
    const members = [...(observer?.view?.entries.members.values() ?? [])]
    return members.map(({ id, zone, address, state }) => {
      return { id, zone, address, state, heartbeatAge: observer?.heartbeatAge(id) ?? Number.MAX_SAFE_INTEGER }
    })
  }

  /** The member store, as metrics tell it. */
  dependencies(): readonly Dependency[] {
    const { calls } = this.#membership
    return calls ? [{ name: 'member-store', up: calls.failure === undefined }] : []
  }

  unknown(): string | undefined {
    return this.#membership.gap
  }

  standing(): Standing {
    const { session, observer, view, me } = this.#membership
    if (session?.superseded) return 'superseded'
    if (session && session.incarnation > 0) return view?.member(me)?.draining ? 'leaving' : 'member'
    return observer?.started ? 'alone' : 'joining'
  }

  ready(is: boolean): void {
    this.#membership.ready(is)
  }

  report(stats: MemberStats): void {
    this.#membership.session?.report(stats)
  }

  counts(): HandoverCounts {
    const { session, calls, observer } = this.#membership
    return {
      heartbeatDelayMs: session?.delayMs,
      storeErrors: calls?.errors ?? 0,
      refusedExpiries: observer?.refusedExpiries ?? 0,
      broken: observer?.broken ?? 0,
      placement: this.#options.placement?.(),
    }
  }
}
