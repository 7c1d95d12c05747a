/**
 * The hand-over of blocks between members: a loaded block that is not this member's lingers until its owners were seen
 * serving it, and then goes by one step of the store. docs/protocol.md says why.
 */
import type { BlockId, BlockMeta } from '../block.ts'
import type { Epoch, Handover, HandoverCounts, Member, MemberStats, Owner, Standing } from '../ownership.ts'
import type { Assign } from './assigned.ts'
import { elapsed, mark } from './clock.ts'
import type { MemberStore, ReleaseItem } from './contract.ts'
import { type Lingering, LingeringBlocks, type Verdict } from './lingering.ts'
import type { Membership } from './membership.ts'
import { Releases } from './releases.ts'

export interface HandoverOptions {
  readonly store: MemberStore
  readonly membership: Membership
  readonly assign: Assign
  /** A block goes only after all its owners were seen serving it for this long, ms: as long as clients take to notice. */
  readonly handoverDelayMs: number
  /** After lingering for this long, ms, one other member that serves the block is enough. Undefined: never. */
  readonly maxLingerMs: number | undefined
}

/** Whom a release looks at. */
interface Wanted {
  readonly targets: readonly string[]
  readonly quorum: ReleaseItem['quorum']
  /** How long they must have been seen serving, ms. */
  readonly delay: number
}

export class MemberHandover implements Handover {
  readonly #options: HandoverOptions
  readonly #membership: Membership
  readonly #releases: Releases
  readonly #lingering: LingeringBlocks

  constructor(options: HandoverOptions) {
    const { membership, store } = options
    this.#options = options
    this.#membership = membership
    this.#releases = new Releases(store, membership)
    this.#lingering = new LingeringBlocks(
      block => this.#judge(block),
      ids => membership.tell(block => ids.has(block.ulid)),
    )
    membership.onLook(({ broken }) => {
      if (broken) this.#lingering.interrupted()
      if (membership.host) this.#lingering.check(membership.host)
    })
  }

  /** To be called before the membership is stopped. */
  stop(): void {
    this.#lingering.stop()
  }

  publish(served: ReadonlySet<BlockId>, signal: AbortSignal): Promise<void> {
    return this.#membership.publish(served, signal)
  }

  async serve(change: Parameters<Handover['serve']>[0], signal: AbortSignal): Promise<void> {
    await this.#membership.serve(change, signal)
    for (const id of change.dropped) this.#lingering.delete(id)
  }

  async release(
    { id, needs, urgent = false }: Parameters<Handover['release']>[0],
    decidedIn: Epoch,
    signal: AbortSignal,
  ): Promise<'released' | 'kept'> {
    signal.throwIfAborted()
    const { host, known } = this.#membership
    if (!host) return 'kept'
    const block = this.#lingering.ask(host, id, needs, urgent)
    const verdict = this.#judge(block)
    if (typeof verdict === 'object') this.#lingering.later(host, verdict.wait)
    const wanted = known && this.#wanted(block)
    // No round trip where the answer is known.
    if (verdict !== 'ready' || !wanted || decidedIn !== known.epoch) return 'kept'
    const { targets, quorum } = wanted
    if (!(await this.#releases.release({ id, needs: needs.ulid, targets, quorum }, decidedIn, signal))) return 'kept'
    this.#lingering.delete(id)
    return 'released'
  }

  owners(block: BlockMeta): readonly Owner[] {
    const view = this.#membership.mustKnow()
    const { targets, standIn, ranked } = this.#options.assign(block, view.record)
    const serves = (member: string) => this.#membership.serves(member, block.ulid)
    const others = [...view.record.members.keys()].filter(member => !ranked.includes(member) && serves(member))
    return [...ranked, ...others].map((member, rank) => ({
      member,
      rank,
      target: targets.includes(member) || member === standIn,
      serves: serves(member),
      live: view.live.has(member),
    }))
  }

  members(): readonly Member[] {
    const { view } = this.#membership
    return [...(view?.record.members.values() ?? [])].map(({ id, zone, address, state }) => ({
      id,
      zone,
      address,
      state,
      beatAge: this.#membership.beatAge(id),
    }))
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

  /** Undefined where the block is to be held here, or nobody is to hold it. */
  #wanted({ id, needs, urgent, since }: Lingering): Wanted | undefined {
    const { known, me, host } = this.#membership
    const { assign, handoverDelayMs, maxLingerMs } = this.#options
    if (!known || !host) return undefined
    const { targets, standIn } = assign(needs, known.record)
    if (id === needs.ulid && (targets.includes(me) || standIn === me)) return undefined
    const tooLong = maxLingerMs !== undefined && elapsed(since, mark(host)) >= maxLingerMs
    if (!urgent && !tooLong) return { targets, quorum: 'all', delay: handoverDelayMs }
    const others = [...known.live].filter(member => member !== me)
    return { targets: others, quorum: 'any', delay: urgent ? 0 : handoverDelayMs }
  }

  #judge(block: Lingering): Verdict {
    const { known, host } = this.#membership
    if (!known || !host) return 'blocked'
    const wanted = this.#wanted(block)
    if (!wanted) return 'over'
    const { targets, quorum, delay } = wanted
    const now = host.monotonic()
    const wait = (member: string) => Math.max(0, (block.seen.get(member) ?? now) + delay - now)
    this.#look(block, targets, now)
    const serving = targets.filter(member => block.seen.has(member))
    const enough = quorum === 'all' ? serving.length === targets.length : serving.length > 0
    const patience = this.#patience(block)
    if (known.frozen || !known.rulesAgree || targets.length === 0 || !enough) return patience
    const waits = serving.map(wait)
    const left = quorum === 'all' ? Math.max(...waits) : Math.min(...waits)
    if (left === 0) return 'ready'
    return { wait: typeof patience === 'object' ? Math.min(left, patience.wait) : left }
  }

  /** Who of `targets` is seen serving the block: from now on, or still. */
  #look({ needs, seen }: Lingering, targets: readonly string[], now: number): void {
    const { known } = this.#membership
    for (const member of seen.keys()) if (!targets.includes(member)) seen.delete(member)
    for (const member of targets) {
      if (!known?.counts(member) || !this.#membership.serves(member, needs.ulid)) seen.delete(member)
      else if (!seen.has(member)) seen.set(member, now)
    }
  }

  /** Until `maxLinger` is reached. */
  #patience({ since, urgent }: Lingering): Verdict {
    const { host } = this.#membership
    const { maxLingerMs } = this.#options
    if (maxLingerMs === undefined || urgent || !host) return 'blocked'
    const left = maxLingerMs - elapsed(since, mark(host))
    return left > 0 ? { wait: left } : 'blocked'
  }
}
