/**
 * What a member sees of the others: who is there, what they serve, and whether that is enough to know who owns what. Not knowing is
 * the third answer, and drops nothing.
 */
import { elapsed, type Mark, mark } from '../async/clock.ts'
import { eachBounded } from '../async/each.ts'
import type { BlockId } from '../contracts/block.ts'
import type { Host } from '../contracts/host.ts'
import type { Epoch } from '../contracts/ownership.ts'
import type { StoreCalls } from './calls.ts'
import type { EntriesView, MemberStore } from './contract.ts'
import { tellEpochSeen } from './epoch-spans.ts'
import { Liveness, type LivenessTimes, MISSED_BEATS } from './liveness.ts'
import type { Session } from './session.ts'
import { MembersView } from './view.ts'

/** Advertised blocks of this many members are read at once. */
const READS = 4

/** What a plugin reads of the store beside entries and heartbeats. */
export interface Beside {
  /** Part of each poll: where it rejects, the poll has failed. What it resolves with takes in what was read, after the entries were. */
  read(calls: StoreCalls): Promise<() => void>
  /** The version of the plugin's answers: not smaller than the epoch of the entries. */
  version(): Epoch
  /** Entries that were left out of what was taken in last. */
  readonly broken: number
}

export interface ObserverOptions extends LivenessTimes {
  readonly store: MemberStore
  /** Until this many members were up at once, nobody is granted a block: the first one up must not load the world. */
  readonly minMembers: number
  /** The longest that `minMembers` is waited for after the start, ms. */
  readonly startGraceMs: number
  /** Of a plugin whose answers depend on more than the entries. */
  readonly beside?: Beside | undefined
}

export interface ObserverParts {
  readonly host: Host
  readonly calls: StoreCalls
  /** Undefined for a process that is no member. */
  readonly session: Session | undefined
  readonly closed: AbortSignal
  /** After a view with a larger epoch was taken in. */
  readonly onEpoch: () => void
  /** After each poll, also one that failed. `broken`: what was seen before cannot count as seen without a break. */
  readonly onPoll: (poll: { readonly broken: boolean }) => void
  /** The view does not show this process as it should be. */
  readonly onDoubt: () => void
}

/** What a process serves, as read under this version. */
interface Advertised {
  readonly incarnation: number
  readonly version: string
  readonly ids: ReadonlySet<BlockId>
}

export class Observer {
  readonly #options: ObserverOptions
  readonly #parts: ObserverParts
  readonly #liveness: Liveness
  readonly #advertised = new Map<string, Advertised>()
  readonly #started: Mark
  /** What the last poll that succeeded showed. */
  view: MembersView | undefined
  /** The largest that any view had: a store that lost its own must not take it back. */
  epoch: Epoch = 0
  /** Entries that were left out, each counted when it appeared. */
  broken = 0
  #brokenNow = 0
  /** Before the last poll that succeeded. */
  #asked: Mark | undefined
  /** `minMembers` were up at once. */
  #enough = false
  /**
   * Who was up and has no entry any more, and since when: nobody goes from up to forgotten, so the store was emptied, or is an older
   * one, and whoever comes back first must not load the world.
   */
  readonly #missing = new Map<string, Mark>()

  constructor(options: ObserverOptions, parts: ObserverParts) {
    this.#options = options
    this.#parts = parts
    this.#liveness = new Liveness(options, parts)
    this.#started = mark(parts.host)
  }

  /** As in HandoverCounts. */
  get refusedExpiries(): number {
    return this.#liveness.refused
  }

  /** ms since the last poll that succeeded began; Infinity before the first. */
  get #sinceRead(): number {
    return this.#asked ? elapsed(this.#asked, mark(this.#parts.host)) : Number.POSITIVE_INFINITY
  }

  /** The grace for the start is over. */
  get started(): boolean {
    return elapsed(this.#started, mark(this.#parts.host)) >= this.#options.startGraceMs
  }

  /** ms since the last heartbeat of the member that was read, by the store's clock and this one's. */
  heartbeatAge(id: string): number {
    const heartbeat = this.view?.heartbeats.heartbeats.get(id)
    return heartbeat ? heartbeat.age + this.#sinceRead : Number.MAX_SAFE_INTEGER
  }

  /** Whether another member advertised the block when that was read last; false for those that are down. */
  serves(member: string, id: BlockId): boolean {
    return this.#advertised.get(member)?.ids.has(id) ?? false
  }

  /** Why it cannot be known now who owns what; undefined where it is known. */
  get gap(): string | undefined {
    const { minMembers, expireAfterMs } = this.#options
    const { session } = this.#parts
    const view = this.view
    if (session?.superseded) return 'a newer process has the id of this member'
    if (!view) return 'the member store could not be read yet'
    const old = Math.round(this.#sinceRead)
    if (old >= expireAfterMs) return `the member store was read ${old} ms ago: must be < ${expireAfterMs} ms`
    if (view.epoch < this.epoch) return 'the member store has lost its members, and they have not come back'
    if (!session) return undefined
    // Nothing is begun in an epoch that is known to be over.
    if (view.epoch < session.seen) return 'the members have changed, and could not be read since'
    if (!session.joined || !isUp(view, session)) return 'this process is not a member now'
    if (!this.#enough && !this.started) {
      return `minMembers: must be ${minMembers}: current value is ${view.live.size}`
    }
    if (this.#missing.size === 0) return undefined
    return `the member store has lost its members: ${[...this.#missing.keys()].join(', ')} must come back`
  }

  /**
   * Reads members and heartbeats, then the advertised blocks that have changed; then does what is due about members that are gone. Never rejects.
   * @returns whether another poll is due at once
   */
  async poll(): Promise<boolean> {
    const { host, calls, session, closed, onPoll } = this.#parts
    if (closed.aborted) return false
    const asked = mark(host)
    let view: MembersView
    let takeIn: (() => void) | undefined
    try {
      view = await this.#read()
      takeIn = await this.#options.beside?.read(calls)
    } catch {
      // The calls have logged and counted it.
      if (closed.aborted) return false
      this.#liveness.interrupted()
      onPoll({ broken: true })
      return false
    }
    const unbroken = this.#liveness.observe(view, asked, mark(host))
    this.#see(view, asked, takeIn)
    await this.#readAdvertised(view)
    if (closed.aborted) return false
    onPoll({ broken: !unbroken })
    return session?.joined ? this.#liveness.act(view, session.id) : false
  }

  async #read(): Promise<MembersView> {
    const { store, heartbeatMs } = this.#options
    const { calls } = this.#parts
    const heartbeats = await calls.make(() => store.heartbeats())
    const last = this.view?.entries
    const same =
      last?.epoch === heartbeats.epoch && last.storeId === heartbeats.storeId && last.frozen === heartbeats.frozen
    const entries = same ? last : whole(await calls.make(() => store.entries(last?.placement?.version)), last)
    return new MembersView(entries, heartbeats, MISSED_BEATS * heartbeatMs)
  }

  #see(view: MembersView, asked: Mark, takeIn: (() => void) | undefined): void {
    const { host, session, onEpoch, onDoubt } = this.#parts
    const { epoch, entries, heartbeats } = view
    const later = epoch > this.epoch
    if (entries !== this.view?.entries) host.log.info('epoch', { epoch, cause: entries.cause })
    this.#miss(view)
    if (view.live.size >= this.#options.minMembers) this.#enough = true
    this.view = view
    this.#asked = asked
    if (later) this.epoch = epoch
    takeIn?.()
    const broken = entries.broken + heartbeats.broken + (this.#options.beside?.broken ?? 0)
    this.broken += Math.max(0, broken - this.#brokenNow)
    this.#brokenNow = broken
    session?.see(epoch)
    if (session?.joined) {
      if ((view.member(session.id)?.incarnation ?? 0) > session.incarnation) session.supersede()
      // This poll may be older than the join: what a heartbeat answers decides.
      else if (!isUp(view, session)) onDoubt()
    }
    if (later && session) tellEpochSeen(entries, session.id, host.now())
    if (later) onEpoch()
  }

  #miss({ entries: { members } }: MembersView): void {
    const now = mark(this.#parts.host)
    for (const id of this.view?.live ?? []) if (!members.has(id)) this.#missing.set(id, now)
    for (const [id, since] of this.#missing) {
      if (members.has(id) || elapsed(since, now) >= this.#options.expireAfterMs) this.#missing.delete(id)
    }
  }

  /** Reads what has changed since the last time. What cannot be read stays as it was, and is read the next time. */
  async #readAdvertised(view: MembersView): Promise<void> {
    const { calls, session } = this.#parts
    for (const [id, { incarnation }] of this.#advertised) {
      // What another process of this id served says nothing about this one.
      if (!view.live.has(id) || view.member(id)?.incarnation !== incarnation) this.#advertised.delete(id)
    }
    const others = [...view.live].filter(id => id !== session?.id)
    await eachBounded(others, READS, async id => {
      const heartbeat = view.heartbeats.heartbeats.get(id)
      if (!heartbeat || heartbeat.incarnation !== view.member(id)?.incarnation) return
      const { incarnation, storeId } = heartbeat
      // With the store's id: a store that was emptied counts from the beginning again.
      const version = `${storeId} ${heartbeat.version}`
      if (this.#advertised.get(id)?.version === version) return
      try {
        // They may be newer than the heartbeat: then they are read once more, never once too seldom.
        const ids = await calls.make(() => this.#options.store.advertised(id))
        this.#advertised.set(id, { incarnation, version, ids })
      } catch {
        // The calls have logged and counted it; the version is still the old one.
      }
    })
  }
}

/** With the text of the placement that was known, where the store left that out. */
function whole(entries: EntriesView, last: EntriesView | undefined): EntriesView {
  const isKnown = entries.placement && entries.placement.version === last?.placement?.version
  return isKnown ? { ...entries, placement: last?.placement } : entries
}

/** The process is a member that is up. */
function isUp(view: MembersView, session: Session): boolean {
  const mine = view.member(session.id)
  return mine?.incarnation === session.incarnation && mine.state !== 'down'
}
