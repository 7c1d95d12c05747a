/**
 * One member's life at the member store: it joins, sends heartbeats, polls, and leaves. Where it does not know who owns what, it says why. Every await may
 * take a minute, and the world may have changed after it.
 */
import { Coalesced } from '../async/coalesced.ts'
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
import type { Epoch, OwnershipChange } from '../contracts/ownership.ts'
import { StoreCalls } from './calls.ts'
import type { AdvertisedChange, PlacementRequest } from './contract.ts'
import { changeEpoch } from './epoch-spans.ts'
import { Observer, type ObserverOptions } from './observer.ts'
import { Served } from './served.ts'
import { Session } from './session.ts'
import type { MembersView } from './view.ts'

/** Times between heartbeats vary by up to this share, so that members do not send them all at once. */
const JITTER = 0.1

export interface MembershipOptions extends ObserverOptions {
  /** What all members must agree on before anything is released. */
  readonly fingerprint: string
  /** As in MemberEntry. */
  readonly address: string | undefined
}

/** What a member has from start to stop. */
interface Parts {
  readonly me: string
  readonly host: Host
  readonly calls: StoreCalls
  readonly observer: Observer
  readonly polls: Coalesced
  /** Undefined for a process that only observes. */
  readonly session: Session | undefined
  readonly heartbeats: Coalesced
}

export class Membership {
  readonly served: Served = new Served()
  readonly #options: MembershipOptions
  readonly #changes = new Listeners<OwnershipChange>()
  readonly #polls = new Listeners<{ readonly broken: boolean }>()
  #closed = new AbortController()
  #parts: Parts | undefined
  #timer: Disposable | undefined
  #watch: Disposable | undefined
  #stopping: Promise<void> | undefined
  #known = false
  /** The last epoch before a stop: it only grows. */
  #before: Epoch = 0
  #refusal: string | undefined

  constructor(options: MembershipOptions) {
    this.#options = options
  }

  /**
   * Joins, and polls once, where the store can be reached; else that goes on in the background. After a stop it is a process of its
   * own, with a new incarnation. `signal` ends it.
   * @throws BlockgateError `member-refused`, and what the store's own start rejects with
   */
  async start(services: Services, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (this.#stopping) {
      await this.#stopping
      this.#before = this.epoch
      this.#stopping = this.#parts = undefined
      this.#closed = new AbortController()
      this.#known = false
    }
    const { store } = this.#options
    const closed = this.#closed
    const end = () => closed.abort(signal?.reason)
    signal?.addEventListener('abort', end)
    try {
      await store.start?.(services)
      if (signal?.aborted) end()
      if (closed.signal.aborted) {
        await store.stop?.(closed.signal)
        throw closed.signal.reason
      }
      const parts = this.#partsOf(services, closed.signal)
      this.#parts = parts
      await parts.session?.heartbeat().catch((error: unknown) => {
        // The calls have logged it, and the next heartbeat tries again.
        if (!isOwnershipUnavailable(error)) throw error
      })
      closed.signal.throwIfAborted()
      this.#watch = store.watch(() => this.poll())
      await parts.polls.request()
      this.#arm(parts)
    } finally {
      signal?.removeEventListener('abort', end)
    }
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

  /** Undefined for a process that only observes, and before the start. */
  get session(): Session | undefined {
    return this.#parts?.session
  }

  /** The calls of the store, counted; undefined before the start. */
  get calls(): StoreCalls | undefined {
    return this.#parts?.calls
  }

  /** Undefined before the start. */
  get observer(): Observer | undefined {
    return this.#parts?.observer
  }

  get epoch(): Epoch {
    return Math.max(this.#before, this.#parts?.observer.epoch ?? 0)
  }

  /** What the last poll showed, whether or not it may still be relied on. */
  get view(): MembersView | undefined {
    return this.#parts?.observer.view
  }

  /** What the last poll showed, where it says who owns what. */
  get known(): MembersView | undefined {
    return this.gap === undefined ? this.view : undefined
  }

  /** Why it is not known who owns what, with what the store said last where it does not answer; undefined where it is known. */
  get gap(): string | undefined {
    if (!this.#parts) return 'the ownership plugin has not started'
    if (this.#closed.signal.aborted) return 'the ownership plugin has stopped'
    const { observer, calls } = this.#parts
    const gap = observer.gap
    return gap !== undefined && calls.failure !== undefined ? `${gap}: ${calls.failure}` : gap
  }

  /** @throws OwnershipUnavailable with the reason where it is not known who owns what */
  mustKnow(): MembersView {
    const { gap, view } = this
    if (gap !== undefined || !view) throw new OwnershipUnavailable(gap)
    return view
  }

  /** Whether the member is known to serve the block; for this one, whether it does. */
  serves(member: string, id: BlockId): boolean {
    if (member === this.me && this.session) return this.served.has(id)
    return this.#parts?.observer.serves(member, id) ?? false
  }

  /** A live member other than this one that serves the block. */
  otherServer({ live }: MembersView, id: BlockId): string | undefined {
    return [...live].find(member => member !== this.me && this.serves(member, id))
  }

  /** Whether clients ask this process. While they do not, its advertised blocks are published but do not count. Kept from before the start, too. */
  ready(is: boolean): void {
    this.served.counts = is
    void this.#parts?.heartbeats.request()
  }

  /** Changes of owners, and of whether they are known. */
  watch(listener: (change: OwnershipChange) => void): Disposable {
    return this.#changes.add(listener)
  }

  /** Tells those who watch that something else has changed, for the blocks that `affects` says. */
  tell(affects: OwnershipChange['affects']): void {
    const epoch = this.#options.beside?.version() ?? this.epoch
    this.#changes.tell({ epoch, affects }, this.host)
  }

  /** After each poll, also one that failed. `broken`: nothing seen before may count as seen without a break. */
  onPoll(listener: (poll: { readonly broken: boolean }) => void): Disposable {
    return this.#polls.add(listener)
  }

  /** All that is served, at the start. Resolves when the store has it. */
  async publish(served: ReadonlySet<BlockId>, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    await this.served.announce(this.host, served)
    await this.#mustJoin().heartbeat()
    if (this.served.dirty) throw new OwnershipUnavailable('this process is not a member now')
  }

  /** What is served from now on, and what is not. Rejects where the store may not have it: see Served. */
  async serve(change: AdvertisedChange, signal: AbortSignal): Promise<void> {
    const session = this.#mustJoin()
    if (change.added.length + change.dropped.length > 0) await this.served.change(session, change, signal)
  }

  /**
   * Publishes a placement that was worked out in epoch `decidedIn`. What comes of it is read as any change is.
   * @returns `ok`, or why the store did not take it. @throws OwnershipUnavailable where it may or may not have taken it
   */
  async publishPlacement(request: PlacementRequest): Promise<string> {
    const session = this.#mustJoin()
    const { store } = this.#options
    const { id, calls } = session
    const now = () => this.host?.now()
    const change = { cause: `${id} has published a placement`, member: id, by: id, at: now() }
    const write = (trace?: string) =>
      session.write(stamp => calls.make(() => store.publishPlacement(stamp, { ...request, trace })))
    return session.inTurn(() => changeEpoch<string>(change, write, status => status === 'ok', now))
  }

  /** Something happened at the store: poll at once. */
  poll(): void {
    void this.#parts?.polls.request()
  }

  #mustJoin(): Session {
    if (!this.session) throw new OwnershipUnavailable('the ownership plugin has not started')
    return this.session
  }

  #partsOf({ host, instance, observer: observes, bucket }: Services, closed: AbortSignal): Parts {
    const { served } = this
    const { store, heartbeatMs, expireAfterMs, address, fingerprint } = this.#options
    const { id, zone } = instance
    // A third of what makes a member silent: one call that hangs does not cost its life.
    const calls = new StoreCalls(host, expireAfterMs / 3)
    const entry = { id, zone, address, process: nonce(host), fingerprint, bucket: bucket.identity ?? '' }
    const session: Session | undefined = observes
      ? undefined
      : new Session({
          ...{ store, calls, host, served, heartbeatMs, entry, closed },
          onEpoch: epoch => epoch !== observer.view?.epoch && this.poll(),
          onLost: () => this.#lost(),
        })
    const observer = new Observer(this.#options, {
      ...{ host, calls, session, closed },
      onEpoch: () => this.tell(() => true),
      onPoll: poll => this.#polled(poll),
      onDoubt: () => void heartbeats.request(),
    })
    const heartbeats = new Coalesced(() => this.#heartbeat(session, host))
    const polls: Coalesced = new Coalesced(async () => {
      if (await observer.poll()) void polls.request()
    })
    return { me: id, host, calls, session, observer, heartbeats, polls }
  }

  /** In the background: what goes wrong is logged, and tried again with the next heartbeat. */
  async #heartbeat(session: Session | undefined, host: Host): Promise<void> {
    const closed = this.#closed.signal
    if (!session || session.superseded || closed.aborted) return
    try {
      await session.heartbeat()
      this.#refusal = undefined
    } catch (error) {
      // The calls have logged a store that is away.
      if (closed.aborted || isOwnershipUnavailable(error)) return
      const refusal = rawMessageOf(error)
      if (refusal !== this.#refusal) host.log.error('the heartbeat failed', { code: codeOf(error), error: refusal })
      this.#refusal = refusal
    }
  }

  #arm(parts: Parts): void {
    if (this.#closed.signal.aborted) return
    const { host, session, heartbeats, polls } = parts
    const ms = this.#options.heartbeatMs * (1 - JITTER + 2 * JITTER * host.random())
    const due = host.monotonic() + ms
    this.#timer = host.setTimer(ms, () => {
      this.#arm(parts)
      session?.due(due)
      void heartbeats.request()
      void polls.request()
    })
  }

  #lost(): void {
    this.served.lost()
    if (!this.session?.superseded) return void this.#parts?.heartbeats.request()
    this.host?.log.error('a newer process has the id of this member', { member: this.me })
    this.tell(() => true)
  }

  #polled(poll: { readonly broken: boolean }): void {
    this.#polls.tell(poll, this.host)
    if (this.view && this.served.mustTell(this.view.entries.storeId)) void this.#parts?.heartbeats.request()
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
    await Promise.all([parts?.polls.idle(), parts?.heartbeats.idle()])
    await this.#options.store.stop?.(signal)
  }

  /** After all writes of this process; nothing is written after it. */
  async #leave(session: Session, { calls, host }: Parts, signal: AbortSignal): Promise<void> {
    const left = session.inTurn(async () => {
      session.close()
      const { id } = session
      const now = () => host.now()
      const change = { cause: `${id} down: stopped`, member: id, by: id, at: now() }
      const write = (trace?: string) =>
        session.write(stamp => calls.make(() => this.#options.store.leave(stamp, trace)))
      if (session.joined) await changeEpoch(change, write, status => status === 'ok', now)
    })
    try {
      await orAborted(left, signal)
    } catch (error) {
      session.close()
      const fields = { code: codeOf(error), error: rawMessageOf(error) }
      host.log.warn('could not leave the member store: the others will find this member silent', fields)
    }
  }
}

/** They are called in the order in which they came, and cannot hinder each other. */
class Listeners<T> {
  readonly #listeners = new Set<{ readonly listener: (told: T) => void }>()

  add(listener: (told: T) => void): Disposable {
    // One function may listen twice.
    const entry = { listener }
    this.#listeners.add(entry)
    return { [Symbol.dispose]: () => void this.#listeners.delete(entry) }
  }

  /** Calls nobody before the start. */
  tell(told: T, host: Host | undefined): void {
    for (const { listener } of host ? [...this.#listeners] : []) {
      try {
        listener(told)
      } catch (error) {
        host?.log.error('a listener of the members threw', { code: codeOf(error), error: rawMessageOf(error) })
      }
    }
  }
}

/** Unlike that of any other process of this id: the clock has moved since the last start, or chance decides. */
function nonce(host: Host): string {
  const parts = [host.now(), host.random() * 2 ** 32, host.random() * 2 ** 32]
  return parts.map(n => Math.floor(n).toString(36)).join('-')
}
