/** What one poll of the member store showed: members and heartbeats, with what is asked of them often. */
import type { Epoch } from '../contracts/ownership.ts'
import type { EntriesView, HeartbeatView, MemberEntry } from './contract.ts'

export class MembersView {
  readonly entries: EntriesView
  readonly heartbeats: HeartbeatView
  /** Members that are not down. */
  readonly live: ReadonlySet<string>
  /** Live members agree on what must be agreed on before anything is released. */
  readonly fingerprintsAgree: boolean
  /** A heartbeat older than this by the store's clock does not count, ms. */
  readonly freshMs: number

  constructor(entries: EntriesView, heartbeats: HeartbeatView, freshMs: number) {
    this.entries = entries
    this.heartbeats = heartbeats
    this.freshMs = freshMs
    const up = [...entries.members.values()].filter(member => member.state !== 'down')
    this.live = new Set(up.map(member => member.id))
    this.fingerprintsAgree = new Set(up.map(member => member.fingerprint)).size <= 1
  }

  get epoch(): Epoch {
    return this.entries.epoch
  }

  get frozen(): boolean {
    return this.entries.frozen
  }

  member(id: string): MemberEntry | undefined {
    return this.entries.members.get(id)
  }

  /** The member is up, and its last heartbeat is of its current process, is fresh, and says that the store has all its advertised blocks. */
  counts(id: string): boolean {
    const heartbeat = this.heartbeats.heartbeats.get(id)
    return (
      heartbeat !== undefined &&
      this.live.has(id) &&
      heartbeat.incarnation === this.member(id)?.incarnation &&
      heartbeat.storeId === this.entries.storeId &&
      heartbeat.age <= this.freshMs
    )
  }
}
