/**
 * One member's life at the member store: it joins, heartbeats, looks, and leaves. What it saw last is its view; what it does
 * not know it says. Every await may take a minute, and the world may have changed after it.
 */
import { orAborted } from '../async/signals.ts'
import type { BlockId } from '../contracts/block.ts'
import {
  BlockgateError,
  codeOf,
  ErrorCode,
  isOwnershipUnavailable,
  OwnershipUnavailable,
  rawMessageOf,
} from '../contracts/errors.ts'
import type { Host, Services } from '../contracts/host.ts'
import type { Epoch, HandoverCounts, MemberStats, OwnershipChange, Standing } from '../contracts/ownership.ts'
import type { StoreCalls } from './calls.ts'
import type { MemberStore } from './contract.ts'
import { MISSED_BEATS } from './liveness.ts'
import { type MembershipOptions, type Parts, partsOf } from './parts.ts'
import { Replica } from './replica.ts'
import { Served } from './served.ts'
import type { Session } from './session.ts'
import type { MembersView } from './view.ts'
import { Watchers } from './watchers.ts'

/** Heartbeats are stretched or shortened by up to this share, so that members do not come in step. */
const JITTER = 0.1

export class Membership {
  readonly replica: Replica = new Replica()
  readonly served: Served
  readonly #options: MembershipOptions
  readonly #changes = new Watchers<OwnershipChange>()
  readonly #looks = new Watchers<{ readonly broken: boolean }>()
  #closed = new AbortController()
  #parts: Parts | undefined
  #timer: Disposable | undefined
  #watch: Disposable | undefined
  #stopping: Promise<void> | undefined
  #known = false

  constructor(options: MembershipOptions) {
    this.#options = options
    this.served = new Served(options.store)
  }

  /**
   * Joins, and looks once, where the store can be reached; else that goes on in the background. Again after a stop: as a
   * process of its own, with a new incarnation. `signal` ends it.
   * @throws BlockgateError `member-refused`, and what the store's own start rejects with
   */
  async start(services: Services, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (this.#stopping) {
      await this.#stopping
      this.#stopping = this.#parts = undefined
      this.#closed = new AbortController()
      this.#known = false
    }
    const closed = this.#closed
    const end = () => closed.abort(signal?.reason)
    if (signal?.aborted) end()
    signal?.addEventListener('abort', end, { once: true })
    try {
      await this.#start(services, closed.signal)
    } finally {
      signal?.removeEventListener('abort', end)
    }
  }

  async #start(services: Services, closed: AbortSignal): Promise<void> {
    const { store } = this.#options
    await store.start?.(services)
    if (closed.aborted) {
      await store.stop?.(closed)
      throw closed.reason
    }
    const parts = partsOf(services, this.#options, this.served, this.replica, closed, {
      onEpoch: () => this.tell(() => true),
      onLook: look => this.#looked(look),
      onSession: () => this.#sessionChanged(),
    })
    this.#parts = parts
    try {
      await parts.heartbeating?.heartbeat()
    } catch (error) {
      // The calls have said it, and the next heartbeat tries again.
      if (!isOwnershipUnavailable(error)) throw error
    }
    closed.throwIfAborted()
    this.#watch = store.watch(() => this.poll())
    await parts.polls.request()
    this.#arm(parts)
  }

  /** Leaves, so that nothing is claimed by a process that is gone. Safe twice, and without a start. */
  stop(signal: AbortSignal): Promise<void> {
    this.#stopping ??= this.#stop(signal)
    return this.#stopping
  }

  /** Undefined before the start. */
  get host(): Host | undefined {
    return this.#parts?.host
  }

  get me(): string {
    return this.#parts?.me ?? ''
  }

  /** Undefined for an observer, and before the start. */
  get session(): Session | undefined {
    return this.#parts?.session
  }

  /** The calls of the store, counted; undefined before the start. */
  get calls(): StoreCalls | undefined {
    return this.#parts?.calls
  }

  /** A heartbeat older than this does not count for a release, ms. */
  get freshMs(): number {
    return MISSED_BEATS * this.#options.heartbeatMs
  }

  get epoch(): Epoch {
    return this.#parts?.knowledge.epoch ?? 0
  }

  /** The last look, whether or not it may still be relied on. */
  get view(): MembersView | undefined {
    return this.#parts?.knowledge.view
  }

  /** The last look, where it says who owns what. */
  get known(): MembersView | undefined {
    return this.gap === undefined ? this.view : undefined
  }

  /** Why it is not known who owns what, with what the store said last where it does not answer; undefined where it is known. */
  get gap(): string | undefined {
    if (!this.#parts) return 'the ownership plugin has not started'
    if (this.#closed.signal.aborted) return 'the ownership plugin has stopped'
    const gap = this.#parts.knowledge.gap(this.#parts.session)
    const { failure } = this.#parts.calls
    return gap !== undefined && failure !== undefined ? `${gap}: ${failure}` : gap
  }

  /** @throws OwnershipUnavailable with the reason where it is not known who owns what */
  mustKnow(): MembersView {
    const gap = this.gap
    const { view } = this
    if (gap !== undefined || !view) throw new OwnershipUnavailable(gap)
    return view
  }

  get standing(): Standing {
    const { session, knowledge, heartbeating } = this.#parts ?? {}
    if (session?.superseded) return 'superseded'
    if (heartbeating?.everJoined) return this.view?.member(this.me)?.draining ? 'leaving' : 'member'
    return knowledge && knowledge.age >= this.#options.startGraceMs ? 'alone' : 'joining'
  }

  get counts(): HandoverCounts {
    const { heartbeating, calls, housekeeping, looking } = this.#parts ?? {}
    return {
      heartbeatDelayMs: heartbeating?.delayMs,
      storeErrors: calls?.errors ?? 0,
      refusedExpiries: housekeeping?.refused ?? 0,
      broken: looking?.broken ?? 0,
    }
  }

  /** ms since the last heartbeat of the member that was read, by the store's clock and this one's. */
  heartbeatAge(id: string): number {
    const heartbeat = this.view?.heartbeats.heartbeats.get(id)
    return heartbeat && this.#parts ? heartbeat.age + this.#parts.knowledge.sinceRead : Number.MAX_SAFE_INTEGER
  }

  /** Whether the member is known to serve the block; for this one, whether it does. */
  serves(member: string, id: BlockId): boolean {
    return member === this.me && this.session ? this.served.has(id) : this.replica.serves(member, id)
  }

  /** Whether clients ask this process. While they do not, its claims are told but do not count. Kept from before the start, too. */
  ready(is: boolean): void {
    this.served.counts = is
    void this.#parts?.heartbeats?.request()
  }

  /** Told with the next heartbeat. */
  report(stats: MemberStats): void {
    this.#parts?.heartbeating?.report(stats)
  }

  /** Changes of owners, and of whether they are known. */
  watch(listener: (change: OwnershipChange) => void): Disposable {
    return this.#changes.add(listener)
  }

  /** Tells those who watch that something else has changed, for the blocks that `affects` says. */
  tell(affects: OwnershipChange['affects']): void {
    const epoch = this.#options.beside?.version() ?? this.epoch
    if (this.#parts) this.#changes.tell({ epoch, affects }, this.#parts.host.log)
  }

  /** After each look, also one that failed. `broken`: nothing seen before may count as seen without a break. */
  onLook(listener: (look: { readonly broken: boolean }) => void): Disposable {
    return this.#looks.add(listener)
  }

  /** All that is served, at the start. Resolves when the store was told. */
  async publish(served: ReadonlySet<BlockId>, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    await this.served.announce(this.host, served)
    const { heartbeating } = this.#parts ?? {}
    if (!heartbeating) throw new OwnershipUnavailable('the ownership plugin has not started')
    await heartbeating.heartbeat()
    if (this.served.dirty) throw new OwnershipUnavailable('this process is not a member now')
  }

  /** What is served from now on, and what is not. Rejects where the store may not have it: see Served. */
  async serve(change: Parameters<MemberStore['serve']>[1], signal: AbortSignal): Promise<void> {
    const { session, calls } = this.#parts ?? {}
    if (!session || !calls) throw new OwnershipUnavailable('the ownership plugin has not started')
    if (change.added.length + change.dropped.length > 0) await this.served.change(session, calls, change, signal)
  }

  /** Something happened at the store: look at once. */
  poll(): void {
    void this.#parts?.polls.request()
  }

  #arm(parts: Parts): void {
    if (this.#closed.signal.aborted) return
    const { host, heartbeating, heartbeats, polls } = parts
    const ms = this.#options.heartbeatMs * (1 - JITTER + 2 * JITTER * host.random())
    const due = host.monotonic() + ms
    this.#timer = host.setTimer(ms, () => {
      this.#arm(parts)
      heartbeating?.due(due)
      void heartbeats?.request()
      void polls.request()
    })
  }

  /** Lost, or superseded. */
  #sessionChanged(): void {
    this.served.lost()
    if (!this.session?.superseded) {
      void this.#parts?.heartbeats?.request()
      return
    }
    this.host?.log.error('a newer process has the id of this member', { member: this.me })
    this.tell(() => true)
  }

  #looked(look: { readonly broken: boolean }): void {
    const { host, heartbeats } = this.#parts ?? {}
    if (!host) return
    this.#looks.tell(look, host.log)
    if (this.view && this.served.mustTell(this.view.storeId)) void heartbeats?.request()
    // Blocks that nobody could judge are judged as soon as it is known again who owns what.
    const known = this.gap === undefined
    const news = known && !this.#known
    this.#known = known
    if (news) this.tell(() => true)
  }

  async #stop(signal: AbortSignal): Promise<void> {
    this.#closed.abort(new BlockgateError(ErrorCode.stopped, 'the ownership plugin has stopped'))
    this.#timer?.[Symbol.dispose]()
    this.#watch?.[Symbol.dispose]()
    const parts = this.#parts
    if (parts?.session) await this.#leave(parts.session, parts, signal)
    parts?.calls.close()
    await Promise.all([parts?.polls.idle(), parts?.heartbeats?.idle()])
    await this.#options.store.stop?.(signal)
  }

  /** After all writes of this process; nothing is written after it. */
  async #leave(session: Session, { calls, host }: Parts, signal: AbortSignal): Promise<void> {
    const left = session.inTurn(async () => {
      session.close()
      if (session.joined) await session.write(stamp => calls.make(() => this.#options.store.leave(stamp)))
    })
    try {
      await orAborted(left, signal)
    } catch (error) {
      session.close()
      host.log.warn('left without a word: the others will find this member silent', {
        code: codeOf(error),
        error: rawMessageOf(error),
      })
    }
  }
}
