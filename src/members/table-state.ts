/** What a member table holds, and the rules by which its steps are refused. */
import { BlockSet } from '../contracts/block-map.ts'
import type { Epoch } from '../contracts/ownership.ts'
import type {
  Fence,
  Heartbeat,
  JoinReply,
  JoinRequest,
  MemberEntry,
  PublishedPlacement,
  ReleaseItem,
  SlotEntry,
  SlotMark,
  SlotPrecondition,
  Stamp,
  WriteStatus,
} from './contract.ts'

/** Entries of members and slots, and heartbeats, are never changed in place. */
export interface TableState {
  epoch: Epoch
  cause: string
  /** As in EntriesView. */
  trace: string | undefined
  storeId: string
  frozen: boolean
  readonly entries: Map<string, MemberEntry>
  /** Each member has one. */
  readonly heartbeats: Map<string, StoredHeartbeat>
  /** A member that is not in it advertises nothing. */
  readonly advertised: Map<string, BlockSet>
  /** When members were expired, ms; the newest last. */
  readonly expiries: number[]
  /** The last fence that was given. */
  fence: Fence
  slotVersion: number
  /** Which records were written by which write, the newest last. */
  readonly slotChanges: SlotChange[]
  /** By `slot/rank`. */
  readonly slots: Map<string, SlotEntry>
  placement: (PublishedPlacement & { readonly text: string }) | undefined
}

export interface SlotChange {
  readonly mark: SlotMark
  /** Of `slots`. */
  readonly keys: readonly string[]
}

export interface StoredHeartbeat extends Omit<Heartbeat, 'age'> {
  readonly at: number
}

/** A copy of everything a table held; what happens to the table later does not reach it. */
export type TableSnapshot = Readonly<TableState>

/** A store in which nobody ever was. */
export function emptyState(storeId: string): TableState {
  const maps = { entries: new Map(), heartbeats: new Map(), advertised: new Map(), slots: new Map() }
  const numbers = { epoch: 0, fence: 0, slotVersion: 0 }
  const none = { trace: undefined, placement: undefined }
  return { ...numbers, ...none, cause: '', storeId, frozen: false, ...maps, expiries: [], slotChanges: [] }
}

export function copyState(state: TableSnapshot): TableState {
  return {
    ...state,
    entries: new Map(state.entries),
    heartbeats: new Map(state.heartbeats),
    advertised: new Map([...state.advertised].map(([id, blocks]) => [id, new BlockSet(blocks)])),
    expiries: [...state.expiries],
    slotChanges: [...state.slotChanges],
    slots: new Map(state.slots),
  }
}

/** Whether a write with this stamp may be done: `ok`, or why not. */
export function stampStatus(state: TableState, { id, incarnation, sequence }: Stamp): WriteStatus {
  const entry = state.entries.get(id)
  if (!entry || entry.incarnation < incarnation) return 'missing'
  if (entry.incarnation > incarnation) return 'superseded'
  return isStale(state, id, sequence) ? 'stale' : 'ok'
}

/** Whether the process of the entry has written with this sequence, or a later one, already. */
function isStale(state: TableState, id: string, sequence: number): boolean {
  const heartbeat = state.heartbeats.get(id)
  return heartbeat !== undefined && sequence <= heartbeat.sequence
}

/** Whether the entry is that of the process which joins. */
export function isOwn(entry: MemberEntry, { incarnation, process }: JoinRequest): boolean {
  return incarnation === 0 ? entry.process === process : entry.incarnation === incarnation
}

/** Why the join is refused; undefined where it is not. Own order comes first: an old process must learn that it is one. */
export function joinRefusal(state: TableState, request: JoinRequest): JoinReply | undefined {
  const { id, incarnation, sequence, bucket } = request
  const entry = state.entries.get(id)
  const own = entry !== undefined && isOwn(entry, request)
  if (incarnation === 0 && !own && (entry?.incarnation ?? 0) !== request.replaces) return { status: 'moved' }
  if (incarnation > 0 && entry && entry.incarnation > incarnation) return { status: 'superseded' }
  if (own && isStale(state, id, sequence)) return { status: 'stale' }
  // A member that is down works on nothing: a cluster that was stopped may start again on another bucket. A bucket without an
  // identity may be any.
  const other = [...state.entries.values()].find(
    member => member.id !== id && member.state !== 'down' && ![bucket, ''].includes(member.bucket),
  )
  return other && bucket !== '' ? { status: 'other-bucket', member: other.id, bucket: other.bucket } : undefined
}

/** Whether member `id` may give the item up at `now`, ms: the one place where the last copy of a block could be lost. */
export function mayRelease(state: TableState, id: string, item: ReleaseItem, freshMs: number, now: number): boolean {
  const { superseding, targets, quorum, precondition } = item
  if (precondition && !holds(state, precondition)) return false
  if (targets.length === 0 || (superseding === item.id && targets.includes(id))) return false
  const serves = (target: string) =>
    isFresh(state, target, freshMs, now) && state.advertised.get(target)?.has(superseding) === true
  return quorum === 'any' ? targets.some(serves) : targets.every(serves)
}

/** The entries of the slot are still exactly these. */
function holds({ slots }: TableState, { slot, holders }: SlotPrecondition): boolean {
  const now = [...slots.values()].filter(entry => entry.slot === slot)
  const same = holders.every(({ rank, holder, fence }) => {
    return now.some(entry => entry.rank === rank && entry.holder === holder && entry.fence === fence)
  })
  return same && holders.length === now.length
}

function isFresh(state: TableState, id: string, freshMs: number, now: number): boolean {
  const entry = state.entries.get(id)
  const heartbeat = state.heartbeats.get(id)
  if (!entry || !heartbeat || entry.state === 'down') return false
  if (heartbeat.incarnation !== entry.incarnation || heartbeat.storeId !== state.storeId) return false
  // After a step back of the clock a heartbeat may lie in the future: nobody knows how old it is.
  return heartbeat.at <= now && now - heartbeat.at < freshMs
}
