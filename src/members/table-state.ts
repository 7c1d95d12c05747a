/** What a member table holds, and the questions that several of its steps ask. */
import type { BlockId } from '../contracts/block.ts'
import type { Epoch, MemberStats } from '../contracts/ownership.ts'
import type { Heartbeat, MemberEntry, Stamp, WriteStatus } from './contract.ts'
import { NO_SLOTS, type SlotState } from './table-slots.ts'

export interface TableState {
  epoch: Epoch
  cause: string
  storeId: string
  frozen: boolean
  readonly records: Map<string, MemberEntry>
  /** Each record has one. */
  readonly heartbeats: Map<string, StoredHeartbeat>
  /** A member without an entry claims nothing. */
  readonly claims: Map<string, Set<BlockId>>
  /** When members were expired, in ms; the newest last. */
  readonly expiries: number[]
  slots: SlotState
}

export interface StoredHeartbeat extends Omit<Heartbeat, 'age' | 'stats'> {
  readonly at: number
  readonly stats: MemberStats | undefined
}

/** A copy of everything a table held; what happens to the table later does not reach it. */
export type TableSnapshot = Readonly<TableState>

/** A store in which nobody ever was. */
export function emptyState(storeId: string): TableState {
  return {
    epoch: 0,
    cause: '',
    storeId,
    frozen: false,
    records: new Map(),
    heartbeats: new Map(),
    claims: new Map(),
    expiries: [],
    slots: NO_SLOTS,
  }
}

/** Records and heartbeats are never changed in place, so they need no copy of their own. */
export function copyState(state: TableSnapshot): TableState {
  return {
    ...state,
    records: new Map(state.records),
    heartbeats: new Map(state.heartbeats),
    claims: new Map([...state.claims].map(([id, blocks]) => [id, new Set(blocks)])),
    expiries: [...state.expiries],
  }
}

/** Whether a write with this stamp may be done: `ok`, or why not. */
export function stampStatus(state: TableState, { id, incarnation, sequence }: Stamp): WriteStatus {
  const record = state.records.get(id)
  if (!record || record.incarnation < incarnation) return 'missing'
  if (record.incarnation > incarnation) return 'superseded'
  return isStale(state, id, sequence) ? 'stale' : 'ok'
}

/** Whether the record's own process has written with this sequence, or a later one, already. */
export function isStale(state: TableState, id: string, sequence: number): boolean {
  const heartbeat = state.heartbeats.get(id)
  return heartbeat !== undefined && sequence <= heartbeat.sequence
}

/** Every write that was not refused is a heartbeat too: it counts as heard of at `at`, and older ones are refused from now on. */
export function stampHeartbeat(
  state: TableState,
  { id, sequence }: Stamp,
  at: number,
  told: Partial<Pick<StoredHeartbeat, 'storeId' | 'stats' | 'claims'>>,
): void {
  const heartbeat = state.heartbeats.get(id)
  if (heartbeat) state.heartbeats.set(id, { ...heartbeat, sequence, at, ...told })
}

/** The version of a member's claims after `changes` of them were added or taken away. */
export function versionAfter(state: TableState, id: string, changes = 0): Pick<StoredHeartbeat, 'claims'> {
  return { claims: (state.heartbeats.get(id)?.claims ?? 0) + (changes > 0 ? 1 : 0) }
}
