/** What one look at the member store showed: the record and the beats, with what is asked of them often. */
import type { Epoch } from '../contracts/ownership.ts'
import type { BeatView, MemberRecord, RecordView } from './contract.ts'

export class MembersView {
  readonly record: RecordView
  readonly beats: BeatView
  /** Members that are not down. */
  readonly live: ReadonlySet<string>
  /** Live members agree on what must be agreed on before anything is released. */
  readonly rulesAgree: boolean
  readonly #freshMs: number

  /** `freshMs`: a beat older than this by the store's clock does not count. */
  constructor(record: RecordView, beats: BeatView, freshMs: number) {
    this.record = record
    this.beats = beats
    this.#freshMs = freshMs
    const up = [...record.members.values()].filter(member => member.state !== 'down')
    this.live = new Set(up.map(member => member.id))
    this.rulesAgree = new Set(up.map(member => member.rules)).size <= 1
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

  member(id: string): MemberRecord | undefined {
    return this.record.members.get(id)
  }

  /** The member is up, its last beat is of the process in the record, is fresh, and says that all its claims are told. */
  counts(id: string): boolean {
    const beat = this.beats.beats.get(id)
    return (
      beat !== undefined &&
      this.live.has(id) &&
      beat.incarnation === this.member(id)?.incarnation &&
      beat.storeId === this.storeId &&
      beat.age <= this.#freshMs
    )
  }
}
