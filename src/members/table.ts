/**
 * The member store as a pure state machine in one process: what `memoryStore()`, the kits and the cluster simulator stand
 * on, and the twin of the scripts of `redisStore()`. Each method is one step of MemberStore, whose doc comments say what
 * it means; it checks its arguments first, and throws where the store would reject.
 */
import type { BlockId } from '../contracts/block.ts'
import type { Epoch, MemberState } from '../contracts/ownership.ts'
import {
  assertBlockIds,
  assertHold,
  assertJoin,
  assertMemberId,
  assertRelease,
  assertSeen,
  assertStamp,
} from './check.ts'
import type {
  EntriesView,
  ExpireLimit,
  Fence,
  Heartbeat,
  HeartbeatReply,
  HeartbeatRequest,
  HeartbeatView,
  JoinReply,
  JoinRequest,
  MemberEntry,
  ReleaseReply,
  ReleaseRequest,
  Stamp,
  WriteStatus,
} from './contract.ts'
import type { HoldRequest, SlotView } from './slots.ts'
import { applyJoin, joinRefusal } from './table-join.ts'
import { releaseItems } from './table-release.ts'
import { nextFence, viewOf, withHolder } from './table-slots.ts'
import {
  copyState,
  emptyState,
  stampHeartbeat,
  stampStatus,
  type TableSnapshot,
  type TableState,
  versionAfter,
} from './table-state.ts'

export interface MemberTableOptions {
  /** The store's wall clock, ms since the epoch. It may step. */
  readonly clock: () => number
  readonly storeId: string
}

/** More than a quarter of any cluster: older ones are not counted any more. */
const MAX_EXPIRIES = 1000

/** @example const table = new MemberTable({ clock: () => host.now(), storeId: 'store-1' }) */
export class MemberTable {
  readonly #clock: () => number
  readonly #listeners = new Set<() => void>()
  #state: TableState

  constructor({ clock, storeId }: MemberTableOptions) {
    this.#clock = clock
    this.#state = emptyState(storeId)
  }

  join(request: JoinRequest): JoinReply {
    assertJoin(request)
    const refusal = joinRefusal(this.#state, request)
    if (refusal) return refusal
    const written = this.#raise(
      `${request.id} joined`,
      epoch => applyJoin(this.#state, request, epoch, this.#clock()),
      request.seen,
    )
    const { epoch, storeId } = this.#state
    return { status: 'joined', incarnation: written.incarnation, epoch, storeId, draining: written.draining }
  }

  heartbeat(stamp: Stamp, { storeId, stats, seen }: HeartbeatRequest): HeartbeatReply {
    assertStamp(stamp)
    assertSeen(seen)
    const state = this.#state
    let status: HeartbeatReply['status'] = stampStatus(state, stamp)
    if (status === 'ok') {
      stampHeartbeat(state, stamp, this.#clock(), { storeId, stats })
      if (state.records.get(stamp.id)?.state === 'down') status = 'down'
      else if (seen > state.epoch) this.#raise(`${stamp.id} has seen a later epoch`, () => {}, seen)
    }
    return { status, epoch: state.epoch, storeId: state.storeId, frozen: state.frozen }
  }

  leave(stamp: Stamp): WriteStatus {
    assertStamp(stamp)
    const status = stampStatus(this.#state, stamp)
    if (status !== 'ok') return status
    const { claims, records } = this.#state
    stampHeartbeat(this.#state, stamp, this.#clock(), versionAfter(this.#state, stamp.id, claims.get(stamp.id)?.size))
    claims.delete(stamp.id)
    const record = records.get(stamp.id)
    if (record && record.state !== 'down') this.#change(record, { state: 'down' }, `${stamp.id} down: stopped`)
    return 'ok'
  }

  serve(
    stamp: Stamp,
    change: { readonly added: readonly BlockId[]; readonly dropped: readonly BlockId[] },
  ): WriteStatus {
    assertStamp(stamp)
    assertBlockIds(change.added, change.dropped)
    const status = stampStatus(this.#state, stamp)
    if (status !== 'ok') return status
    const own = this.#state.claims.get(stamp.id) ?? new Set()
    let changes = 0
    for (const id of change.dropped) if (own.delete(id)) changes++
    for (const id of change.added) {
      if (!own.has(id)) changes++
      own.add(id)
    }
    this.#state.claims.set(stamp.id, own)
    stampHeartbeat(this.#state, stamp, this.#clock(), versionAfter(this.#state, stamp.id, changes))
    return 'ok'
  }

  release(stamp: Stamp, request: ReleaseRequest): ReleaseReply {
    assertStamp(stamp)
    assertRelease(request)
    const status = stampStatus(this.#state, stamp)
    if (status !== 'ok') return { status }
    if (this.#state.records.get(stamp.id)?.state === 'down') return { status: 'missing' }
    if (request.decidedIn !== this.#state.epoch) return { status: 'epoch' }
    if (this.#state.frozen) return { status: 'frozen' }
    const now = this.#clock()
    const { released, changes } = releaseItems(this.#state, stamp.id, request, now)
    stampHeartbeat(this.#state, stamp, now, versionAfter(this.#state, stamp.id, changes))
    return { status: 'ok', released }
  }

  claims(id: string): ReadonlySet<BlockId> {
    assertMemberId(id)
    return new Set(this.#state.claims.get(id))
  }

  expire(
    id: string,
    seen: { readonly incarnation: number; readonly sequence: number },
    limit: ExpireLimit,
    by: string,
  ): 'expired' | 'moved' | 'refused' | 'gone' {
    assertMemberId(id)
    assertMemberId(by)
    const { records, heartbeats, frozen, expiries } = this.#state
    const record = records.get(id)
    if (!record || record.state === 'down') return 'gone'
    const heartbeat = heartbeats.get(id)
    if (heartbeat?.incarnation !== seen.incarnation || heartbeat.sequence !== seen.sequence) return 'moved'
    const now = this.#clock()
    const recent = expiries.filter(at => at <= now && now - at < limit.windowMs)
    if (frozen || recent.length >= limit.max) return 'refused'
    expiries.push(now)
    expiries.splice(0, expiries.length - MAX_EXPIRIES)
    this.#change(record, { state: 'down' }, `${id} down: no heartbeat seen by ${by}`)
    return 'expired'
  }

  evict(id: string, changed: Epoch): boolean {
    const record = this.#downSince(id, changed)
    if (!record?.placed || this.#state.frozen) return false
    this.#change(record, { placed: false }, `${id} evicted: its grace is over`)
    return true
  }

  forget(id: string, changed: Epoch): boolean {
    if (!this.#downSince(id, changed)) return false
    this.#raise(`${id} forgotten`, () => {
      for (const map of [this.#state.claims, this.#state.heartbeats, this.#state.records]) map.delete(id)
    })
    return true
  }

  drain(id: string, on: boolean): boolean {
    assertMemberId(id)
    const record = this.#state.records.get(id)
    if (!record) return false
    if (record.draining === on) return true
    const up: MemberState = on ? 'leaving' : 'active'
    const state = record.state === 'down' ? 'down' : up
    this.#change(record, { draining: on, state }, on ? `${id} leaving` : `${id} active again`)
    return true
  }

  freeze(on: boolean): void {
    if (this.#state.frozen === on) return
    this.#raise(on ? 'frozen' : 'thawed', () => {
      this.#state.frozen = on
    })
  }

  entries(): EntriesView {
    const { epoch, cause, storeId, frozen, records } = this.#state
    return { epoch, cause, storeId, frozen, members: new Map(records), broken: 0 }
  }

  heartbeats(): HeartbeatView {
    const now = this.#clock()
    const { epoch, storeId, frozen } = this.#state
    const heartbeats = new Map<string, Heartbeat>()
    for (const [id, { at, ...heartbeat }] of this.#state.heartbeats)
      heartbeats.set(id, { ...heartbeat, age: Math.max(0, now - at) })
    return { epoch, storeId, frozen, heartbeats, broken: 0 }
  }

  fence(): Fence {
    this.#state.slots = nextFence(this.#state.slots, this.#state.epoch, this.#clock())
    return this.#state.slots.fence
  }

  hold(stamp: Stamp, request: HoldRequest): WriteStatus | 'older' {
    assertStamp(stamp)
    assertHold(request)
    const status = stampStatus(this.#state, stamp)
    if (status !== 'ok') return status
    if (this.#state.records.get(stamp.id)?.state === 'down') return 'missing'
    const now = this.#clock()
    const slots = withHolder(this.#state.slots, stamp.id, request, now)
    if (!slots) return 'older'
    stampHeartbeat(this.#state, stamp, now, {})
    this.#state.slots = slots
    for (const listener of this.#listeners) listener()
    return 'ok'
  }

  slots(known: number | undefined): SlotView | undefined {
    return this.#state.slots.version === known ? undefined : viewOf(this.#state.slots)
  }

  /** Calls `listener` within each step that raises the epoch or records a slot, when all of it is done. */
  onEpoch(listener: () => void): Disposable {
    const own = () => listener()
    this.#listeners.add(own)
    return { [Symbol.dispose]: () => void this.#listeners.delete(own) }
  }

  /** For simulations: what a copy of the store knows. */
  snapshot(): TableSnapshot {
    return copyState(this.#state)
  }

  /** For simulations: a failover to a copy that is `snapshot`. The epoch goes back to the copy's; nobody is told. */
  restore(snapshot: TableSnapshot, storeId: string): void {
    this.#state = { ...copyState(snapshot), storeId }
  }

  /** For simulations: the store was restarted and has lost everything, the epoch too. Nobody is told. */
  clear(storeId: string): void {
    this.#state = emptyState(storeId)
  }

  #downSince(id: string, changed: Epoch): MemberEntry | undefined {
    assertMemberId(id)
    const record = this.#state.records.get(id)
    return record?.state === 'down' && record.changed === changed ? record : undefined
  }

  #change(record: MemberEntry, to: Partial<MemberEntry>, cause: string): void {
    this.#raise(cause, changed => this.#state.records.set(record.id, { ...record, ...to, changed }))
  }

  /** Goes past every epoch there was, also past those that only `seen` and the clock know of. */
  #raise<T>(cause: string, change: (epoch: Epoch) => T, seen: Epoch = 0): T {
    this.#state.epoch = Math.max(this.#state.epoch + 1, seen + 1, Math.floor(this.#clock() * 1000))
    this.#state.cause = cause
    const result = change(this.#state.epoch)
    for (const listener of this.#listeners) listener()
    return result
  }
}
