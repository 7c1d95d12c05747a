/**
 * The member store as a pure state machine in one process: what `memoryStore()`, the conformance tests and the cluster simulator stand
 * on, and the twin of the scripts of `redisStore()`. Each method is one step of SlotStore, whose doc comments say what it means; it
 * checks its arguments first, and throws where the store would reject.
 */
import type { BlockId } from '../contracts/block.ts'
import { BlockSet } from '../contracts/block-map.ts'
import type { Epoch, MemberState } from '../contracts/ownership.ts'
import { spanContextOf } from '../contracts/traceparent.ts'
import {
  assertBlockIds,
  assertHold,
  assertJoin,
  assertMemberId,
  assertPlacement,
  assertRelease,
  assertSeen,
  assertStamp,
} from './check.ts'
import type {
  AdvertisedChange,
  EntriesView,
  ExpireLimit,
  ExpireReply,
  Fence,
  Heartbeat,
  HeartbeatReply,
  HeartbeatRequest,
  HeartbeatView,
  HoldReply,
  HoldRequest,
  JoinReply,
  JoinRequest,
  MemberEntry,
  PlacementRequest,
  ReleaseReply,
  ReleaseRequest,
  SeenHeartbeat,
  SlotMark,
  SlotView,
  Stamp,
  WriteStatus,
} from './contract.ts'
import {
  copyState,
  emptyState,
  isOwn,
  joinRefusal,
  mayRelease,
  type StoredHeartbeat,
  stampStatus,
  type TableSnapshot,
  type TableState,
} from './table-state.ts'

export interface MemberTableOptions {
  /** The store's wall clock, ms since the epoch. It may step. */
  readonly clock: () => number
  readonly storeId: string
}

/** More than a quarter of any cluster: older ones are not counted any more. */
const MAX_EXPIRIES = 1000

/** Who has missed more of them reads all records. */
const MAX_SLOT_CHANGES = 256

/** Traces of blocks that are kept. */
const MAX_TRACES = 10_000

/** @example const table = new MemberTable({ clock: () => host.now(), storeId: 'store-1' }) */
export class MemberTable {
  readonly #clock: () => number
  readonly #listeners = new Set<() => void>()
  readonly #traces = new Map<BlockId, string>()
  #state: TableState

  constructor({ clock, storeId }: MemberTableOptions) {
    this.#clock = clock
    this.#state = emptyState(storeId)
  }

  join(request: JoinRequest): JoinReply {
    assertJoin(request)
    const state = this.#state
    const refusal = joinRefusal(state, request)
    if (refusal) return refusal
    const { id, zone, address, process, fingerprint, bucket, sequence, trace } = request
    const old = state.entries.get(id)
    const draining = old?.draining ?? false
    let { incarnation } = request
    this.#raise(`${id} joined`, request.seen, trace, epoch => {
      if (incarnation === 0) incarnation = old && isOwn(old, request) ? old.incarnation : epoch
      state.advertised.delete(id)
      // One that it never had: also not in a life of its entry that was forgotten.
      const version = Math.max((state.heartbeats.get(id)?.version ?? 0) + 1, epoch)
      const at = this.#clock()
      state.heartbeats.set(id, { incarnation, sequence, storeId: '', version, at, stats: undefined })
      const up: MemberState = draining ? 'leaving' : 'active'
      const told = { id, zone, address, process, fingerprint, bucket }
      state.entries.set(id, {
        ...told,
        state: up,
        placed: true,
        draining,
        incarnation,
        changed: epoch,
      })
    })
    const { epoch, storeId } = state
    return { status: 'joined', incarnation, epoch, storeId, draining }
  }

  heartbeat(stamp: Stamp, { storeId, stats, seen }: HeartbeatRequest): HeartbeatReply {
    assertStamp(stamp)
    assertSeen(seen)
    const state = this.#state
    let status: HeartbeatReply['status'] = stampStatus(state, stamp)
    if (status === 'ok') {
      this.#stamp(stamp, { storeId, stats })
      if (this.#isDown(stamp)) status = 'down'
      else if (seen > state.epoch) this.#raise(`${stamp.id} has seen a later epoch`, seen, undefined, () => {})
    }
    return { status, epoch: state.epoch, storeId: state.storeId, frozen: state.frozen }
  }

  leave(stamp: Stamp, trace?: string): WriteStatus {
    assertStamp(stamp)
    const status = stampStatus(this.#state, stamp)
    if (status !== 'ok') return status
    const { advertised, entries } = this.#state
    this.#stampAdvertised(stamp, advertised.get(stamp.id)?.size ?? 0)
    advertised.delete(stamp.id)
    const entry = entries.get(stamp.id)
    if (entry && entry.state !== 'down') this.#change(entry, { state: 'down' }, `${stamp.id} down: stopped`, trace)
    return 'ok'
  }

  serve(stamp: Stamp, { added, dropped }: AdvertisedChange): WriteStatus {
    assertStamp(stamp)
    assertBlockIds(added, dropped)
    const status = stampStatus(this.#state, stamp)
    if (status !== 'ok') return status
    const own = this.#state.advertised.get(stamp.id) ?? new BlockSet()
    let changes = 0
    for (const id of dropped) if (own.delete(id)) changes++
    for (const id of added) {
      if (!own.has(id)) changes++
      own.add(id)
    }
    this.#state.advertised.set(stamp.id, own)
    this.#stampAdvertised(stamp, changes)
    return 'ok'
  }

  release(stamp: Stamp, request: ReleaseRequest): ReleaseReply {
    assertStamp(stamp)
    assertRelease(request)
    const state = this.#state
    const status = stampStatus(state, stamp)
    if (status !== 'ok') return { status }
    if (this.#isDown(stamp)) return { status: 'missing' }
    if (request.decidedIn !== state.epoch) return { status: 'epoch' }
    if (state.frozen) return { status: 'frozen' }
    const now = this.#clock()
    const released: BlockId[] = []
    let changes = 0
    // Each is judged after those before it were given up: two blocks of one member cannot vouch for each other.
    for (const item of request.items) {
      if (!mayRelease(state, stamp.id, item, request.freshMs, now)) continue
      released.push(item.id)
      if (state.advertised.get(stamp.id)?.delete(item.id)) changes++
    }
    this.#stampAdvertised(stamp, changes)
    return { status: 'ok', released }
  }

  advertised(id: string): ReadonlySet<BlockId> {
    assertMemberId(id)
    return new Set(this.#state.advertised.get(id))
  }

  /** The same without a copy: it changes as the table does. */
  liveAdvertised(id: string): BlockSet {
    assertMemberId(id)
    return this.#state.advertised.get(id) ?? new BlockSet()
  }

  expire(id: string, seen: SeenHeartbeat, limit: ExpireLimit, by: string, trace?: string): ExpireReply {
    assertMemberId(id)
    assertMemberId(by)
    const { entries, heartbeats, frozen, expiries } = this.#state
    const entry = entries.get(id)
    if (!entry || entry.state === 'down') return 'gone'
    const heartbeat = heartbeats.get(id)
    if (heartbeat?.incarnation !== seen.incarnation || heartbeat.sequence !== seen.sequence) return 'moved'
    const now = this.#clock()
    const recent = expiries.filter(at => at <= now && now - at < limit.windowMs)
    if (frozen || recent.length >= limit.max) return 'refused'
    expiries.push(now)
    expiries.splice(0, expiries.length - MAX_EXPIRIES)
    this.#change(entry, { state: 'down' }, `${id} down: no heartbeat seen by ${by}`, trace)
    return 'expired'
  }

  evict(id: string, changed: Epoch, trace?: string): boolean {
    const entry = this.#downSince(id, changed)
    if (!entry?.placed || this.#state.frozen) return false
    this.#change(entry, { placed: false }, `${id} evicted: its grace is over`, trace)
    return true
  }

  forget(id: string, changed: Epoch, trace?: string): boolean {
    if (!this.#downSince(id, changed)) return false
    const { advertised, heartbeats, entries } = this.#state
    this.#raise(`${id} forgotten`, 0, trace, () => {
      for (const map of [advertised, heartbeats, entries]) map.delete(id)
    })
    return true
  }

  drain(id: string, on: boolean, trace?: string): boolean {
    assertMemberId(id)
    const entry = this.#state.entries.get(id)
    if (!entry) return false
    if (entry.draining === on) return true
    const up: MemberState = on ? 'leaving' : 'active'
    const state = entry.state === 'down' ? 'down' : up
    this.#change(entry, { draining: on, state }, on ? `${id} leaving` : `${id} active again`, trace)
    return true
  }

  freeze(on: boolean, trace?: string): void {
    if (this.#state.frozen === on) return
    this.#raise(on ? 'frozen' : 'thawed', 0, trace, () => {
      this.#state.frozen = on
    })
  }

  tellTraces(traces: ReadonlyMap<BlockId, string>): void {
    assertBlockIds([...traces.keys()])
    for (const [id, trace] of traces) {
      this.#traces.delete(id)
      if (spanContextOf(trace)) this.#traces.set(id, trace)
    }
    for (const id of this.#traces.keys()) if (this.#traces.size > MAX_TRACES) this.#traces.delete(id)
  }

  traces(ids: readonly BlockId[]): ReadonlyMap<BlockId, string> {
    assertBlockIds(ids)
    return new Map(ids.flatMap(id => [[id, this.#traces.get(id)] as const]).filter(isTold))
  }

  publishPlacement(stamp: Stamp, request: PlacementRequest): WriteStatus | 'epoch' | 'frozen' {
    assertStamp(stamp)
    assertPlacement(request)
    const state = this.#state
    const status = stampStatus(state, stamp)
    if (status !== 'ok') return status
    if (this.#isDown(stamp)) return 'missing'
    if (state.epoch !== request.decidedIn) return 'epoch'
    if (state.frozen) return 'frozen'
    this.#stamp(stamp, {})
    this.#raise(`${stamp.id} has published a placement`, 0, request.trace, version => {
      state.placement = { version, text: request.text }
    })
    return 'ok'
  }

  entries(known?: Epoch): EntriesView {
    const { epoch, cause, trace, storeId, frozen, entries, placement } = this.#state
    const published = placement?.version === known ? placement && { ...placement, text: undefined } : placement
    return { epoch, cause, trace, storeId, frozen, members: new Map(entries), placement: published, broken: 0 }
  }

  heartbeats(): HeartbeatView {
    const now = this.#clock()
    const { epoch, storeId, frozen } = this.#state
    const heartbeats = new Map<string, Heartbeat>()
    for (const [id, { at, ...heartbeat }] of this.#state.heartbeats) {
      heartbeats.set(id, { ...heartbeat, age: Math.max(0, now - at) })
    }
    return { epoch, storeId, frozen, heartbeats, broken: 0 }
  }

  fence(): Fence {
    const { fence, epoch } = this.#state
    this.#state.fence = Math.max(fence + 1, epoch + 1, this.#micros())
    return this.#state.fence
  }

  hold(stamp: Stamp, request: HoldRequest): HoldReply {
    assertStamp(stamp)
    assertHold(request)
    const state = this.#state
    const status = stampStatus(state, stamp)
    if (status !== 'ok') return { status }
    if (this.#isDown(stamp)) return { status: 'missing' }
    const { ranks, fence, give } = request
    const recorded = ranks.filter(({ slot, rank }) => {
      const before = state.slots.get(`${slot}/${rank}`)
      return (!before || fence > before.fence) && (!give || before?.holder === stamp.id)
    })
    if (recorded.length === 0) return { status, recorded }
    for (const { slot, rank } of recorded)
      state.slots.set(`${slot}/${rank}`, { slot, rank, holder: give ? '' : stamp.id, fence })
    // It follows the clock, as fences do: what is recorded again after a loss makes no version of before.
    state.slotVersion = Math.max(state.slotVersion + 1, fence, this.#micros())
    const mark = `${state.slotVersion} ${stamp.id} ${stamp.incarnation} ${stamp.sequence}`
    state.slotChanges.push({ mark, keys: recorded.map(({ slot, rank }) => `${slot}/${rank}`) })
    if (state.slotChanges.length > MAX_SLOT_CHANGES) state.slotChanges.shift()
    this.#stamp(stamp, {})
    for (const listener of this.#listeners) listener()
    return { status, recorded }
  }

  slots(since: SlotMark | undefined): SlotView | undefined {
    const { slotVersion: version, slotChanges, slots } = this.#state
    const mark = slotChanges.at(-1)?.mark ?? '0'
    if (mark === since) return undefined
    const from = slotChanges.findLastIndex(change => change.mark === since)
    if (from < 0) return { version, mark, whole: true, slots: [...slots.values()], broken: 0 }
    const keys = new Set(slotChanges.slice(from + 1).flatMap(change => change.keys))
    const changed = [...keys].map(key => slots.get(key)).filter(entry => entry !== undefined)
    return { version, mark, whole: false, slots: changed, broken: 0 }
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

  #isDown({ id }: Stamp): boolean {
    return this.#state.entries.get(id)?.state === 'down'
  }

  #downSince(id: string, changed: Epoch): MemberEntry | undefined {
    assertMemberId(id)
    const entry = this.#state.entries.get(id)
    return entry?.state === 'down' && entry.changed === changed ? entry : undefined
  }

  /** Every write that was not refused is a heartbeat too: older ones are refused from now on. */
  #stamp({ id, sequence }: Stamp, told: Partial<StoredHeartbeat>): void {
    const heartbeat = this.#state.heartbeats.get(id)
    if (heartbeat) this.#state.heartbeats.set(id, { ...heartbeat, sequence, at: this.#clock(), ...told })
  }

  /** With another version of what the member advertises where `changes` of them were added or taken away. */
  #stampAdvertised(stamp: Stamp, changes: number): void {
    const version = this.#state.heartbeats.get(stamp.id)?.version ?? 0
    this.#stamp(stamp, { version: changes > 0 ? version + 1 : version })
  }

  #change(entry: MemberEntry, to: Partial<MemberEntry>, cause: string, trace: string | undefined): void {
    this.#raise(cause, 0, trace, changed => this.#state.entries.set(entry.id, { ...entry, ...to, changed }))
  }

  /** Goes past every epoch there was, also past those that only `seen` and the clock know of. */
  #raise(cause: string, seen: Epoch, trace: string | undefined, change: (epoch: Epoch) => unknown): void {
    const epoch = Math.max(this.#state.epoch + 1, seen + 1, this.#micros())
    this.#state.epoch = epoch
    this.#state.cause = cause
    // What is no traceparent is left out.
    this.#state.trace = spanContextOf(trace) && trace
    change(epoch)
    for (const listener of this.#listeners) listener()
  }

  #micros(): number {
    return Math.floor(this.#clock() * 1000)
  }
}

function isTold(told: readonly [BlockId, string | undefined]): told is [BlockId, string] {
  return told[1] !== undefined
}
