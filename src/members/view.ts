/** What one look at the member store showed: the record and the heartbeats, with what is asked of them often. */
import type { Epoch } from '../contracts/ownership.ts'
import type { EntriesView, HeartbeatView, MemberEntry } from './contract.ts'

export class MembersView {
  readonly record: EntriesView
  readonly heartbeats: HeartbeatView
  /** Members that are not down. */
  readonly live: ReadonlySet<string>
  /** Live members agree on what must be agreed on before anything is released. */
  readonly fingerprintsAgree: boolean
  readonly #freshMs: number

  /** `freshMs`: a heartbeat older than this by the store's clock does not count. */
  constructor(record: EntriesView, heartbeats: HeartbeatView, freshMs: number) {
    this.record = record
    this.heartbeats = heartbeats
    this.#freshMs = freshMs
    const up = [...record.members.values()].filter(member => member.state !== 'down')
    this.live = new Set(up.map(member => member.id))
    this.fingerprintsAgree = new Set(up.map(member => member.rules)).size <= 1
  }

  get epoch(): Epoch {
    return this.record.epoch
  }

  get storeId(): string {
    return this.record.storeId
  }

  get frozen(): boolean {
    return this.record.frozen
  }

  member(id: string): MemberEntry | undefined {
    return this.record.members.get(id)
  }

  /** The member is up, its last heartbeat is of the process in the record, is fresh, and says that all its claims are told. */
  counts(id: string): boolean {
    const heartbeat = this.heartbeats.heartbeats.get(id)
    return (
      heartbeat !== undefined &&
      this.live.has(id) &&
      heartbeat.incarnation === this.member(id)?.incarnation &&
      heartbeat.storeId === this.storeId &&
      heartbeat.age <= this.#freshMs
    )
  }
}
