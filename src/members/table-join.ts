/** The step by which a process becomes a member: for the first time, again, or in the place of the process before it. */
import type { Epoch } from '../contracts/ownership.ts'
import type { JoinReply, JoinRequest, MemberEntry } from './contract.ts'
import { isStale, type TableState } from './table-state.ts'

/** Why the join is refused; undefined where it is not. Own order comes first: an old process must learn that it is one. */
export function joinRefusal(state: TableState, request: JoinRequest): JoinReply | undefined {
  const record = state.records.get(request.id)
  const known = record !== undefined && isOwn(record, request)
  if (request.incarnation === 0) {
    if (!known && (record?.incarnation ?? 0) !== request.replaces) return { status: 'moved' }
  } else if (record && record.incarnation > request.incarnation) return { status: 'superseded' }
  if (known && isStale(state, request.id, request.sequence)) return { status: 'stale' }
  for (const other of state.records.values()) {
    // A member that is down works on nothing: a cluster that was stopped may start again on another bucket.
    if (other.id === request.id || other.state === 'down' || other.bucket === request.bucket) continue
    // A bucket without an identity may be any.
    if (other.bucket === '' || request.bucket === '') continue
    return { status: 'other-bucket', member: other.id, bucket: other.bucket }
  }
  return undefined
}

/** Does a join that is not refused. @returns the record it wrote */
export function applyJoin(state: TableState, request: JoinRequest, epoch: Epoch, at: number): MemberEntry {
  const { id, zone, address, process, rules, bucket, sequence } = request
  const old = state.records.get(id)
  const own = old !== undefined && isOwn(old, request)
  const incarnation = own ? old.incarnation : request.incarnation === 0 ? epoch : request.incarnation
  const draining = old?.draining ?? false
  const written: MemberEntry = {
    id,
    zone,
    address,
    state: draining ? 'leaving' : 'active',
    placed: true,
    draining,
    incarnation,
    process,
    rules,
    bucket,
    changed: epoch,
  }
  state.claims.delete(id)
  // A version that the member's claims never had: also not in a life of its record that was forgotten.
  const claims = Math.max((state.heartbeats.get(id)?.claims ?? 0) + 1, epoch)
  state.heartbeats.set(id, { incarnation, sequence, storeId: '', claims, at, stats: undefined })
  state.records.set(id, written)
  return written
}

/** Whether the record is that of the process which joins. */
function isOwn(record: MemberEntry, { incarnation, process }: JoinRequest): boolean {
  return incarnation === 0 ? record.process === process : record.incarnation === incarnation
}
