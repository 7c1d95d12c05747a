/** Stores with one check taken out. */
import {
  type HoldRequest,
  type JoinReply,
  type JoinRequest,
  MemberTable,
  type ReleaseReply,
  type ReleaseRequest,
  type Stamp,
  type WriteStatus,
} from 'blockgate/members'

/** `release` only looks: what it grants must be taken away by a step of its own. */
export class TwoSteps extends MemberTable {
  override release(stamp: Stamp, request: ReleaseRequest): ReleaseReply {
    const before = this.snapshot()
    const reply = super.release(stamp, request)
    this.restore(before, before.storeId)
    return reply
  }
}

/** A write that comes late is taken for a new one. */
export class NoSequence extends MemberTable {
  override serve(stamp: Stamp, change: Parameters<MemberTable['serve']>[1]): WriteStatus {
    return super.serve(newest(this, stamp), change)
  }
}

/** A copy that took over calls itself the same store. */
export class NoStoreId extends MemberTable {
  override restore(snapshot: ReturnType<MemberTable['snapshot']>, _storeId: string): void {
    super.restore(snapshot, snapshot.storeId)
  }
}

/** Whoever has the id is the member. */
export class NoIncarnation extends MemberTable {
  override join(request: JoinRequest): JoinReply {
    const record = this.entries().members.get(request.id)
    if (!record) return super.join(request)
    const { incarnation, process } = record
    return super.join({ ...request, incarnation, process, sequence: next(this, request) })
  }

  override heartbeat(
    stamp: Stamp,
    request: Parameters<MemberTable['heartbeat']>[1],
  ): ReturnType<MemberTable['heartbeat']> {
    return super.heartbeat(newest(this, stamp), request)
  }

  override serve(stamp: Stamp, change: Parameters<MemberTable['serve']>[1]): WriteStatus {
    return super.serve(newest(this, stamp), change)
  }

  override release(stamp: Stamp, request: ReleaseRequest): ReleaseReply {
    return super.release(newest(this, stamp), request)
  }

  override hold(stamp: Stamp, request: HoldRequest): ReturnType<MemberTable['hold']> {
    return super.hold(newest(this, stamp), request)
  }
}

/** Whoever comes last has the slot. */
export class NoFence extends MemberTable {
  override hold(stamp: Stamp, request: HoldRequest): ReturnType<MemberTable['hold']> {
    const answer = super.hold(stamp, request)
    return answer === 'older' ? super.hold(stamp, { ...request, fence: this.fence() }) : answer
  }
}

/** A release is of its epoch, whatever became of the slot. */
export class NoPrecondition extends MemberTable {
  override release(stamp: Stamp, { items, ...request }: ReleaseRequest): ReleaseReply {
    return super.release(stamp, { ...request, items: items.map(({ precondition: _, ...item }) => item) })
  }
}

function newest(table: MemberTable, stamp: Stamp): Stamp {
  return { ...stamp, sequence: next(table, stamp) }
}

function next(table: MemberTable, { id, sequence }: { readonly id: string; readonly sequence: number }): number {
  return Math.max(sequence, (table.heartbeats().heartbeats.get(id)?.sequence ?? 0) + 1)
}
