/** What a member sees of the others: the record, the heartbeats, and who serves what; and what follows for those that are gone. */
import type { Host } from '../contracts/host.ts'
import type { Epoch } from '../contracts/ownership.ts'
import type { StoreCalls } from './calls.ts'
import { type Mark, mark } from './clock.ts'
import type { MemberStore } from './contract.ts'
import type { Housekeeping } from './housekeeping.ts'
import type { Knowledge } from './knowledge.ts'
import type { Liveness } from './liveness.ts'
import type { Replica } from './replica.ts'
import type { Session } from './session.ts'
import { MembersView } from './view.ts'

/** What a plugin reads of the store beside record and heartbeats. */
export interface Beside {
  /** Part of each look: where it rejects, the look has failed. What it resolves with takes in what was read, after the record was. */
  read(calls: StoreCalls): Promise<() => void>
  /** The version of the plugin's answers: not smaller than the epoch of the record. */
  version(): Epoch
  /** Entries that were left out of what was taken in last. */
  readonly broken: number
}

export interface LookingDeps {
  readonly store: MemberStore
  readonly calls: StoreCalls
  readonly host: Host
  /** The member whose claims need not be read, as this process knows them; `''` for an observer. */
  readonly me: string
  /** Undefined for an observer. */
  readonly session: Session | undefined
  readonly knowledge: Knowledge
  readonly liveness: Liveness
  readonly housekeeping: Housekeeping
  readonly replica: Replica
  readonly beside: Beside | undefined
  readonly freshMs: number
  readonly closed: AbortSignal
  /** After a view with a larger epoch was taken in. */
  readonly onEpoch: () => void
  /** After each look. `broken`: what was seen before cannot count as seen without a break. */
  readonly onLook: (look: { readonly broken: boolean }) => void
  /** The view does not show this process as it should be. */
  readonly onDoubt: () => void
}

export class Looking {
  readonly #deps: LookingDeps
  #broken = { entries: 0, heartbeats: 0, beside: 0, count: 0 }

  constructor(deps: LookingDeps) {
    this.#deps = deps
  }

  /** Entries that were left out, each counted when it appeared. */
  get broken(): number {
    return this.#broken.count
  }

  /**
   * One look. Never rejects.
   * @returns whether another is due at once
   */
  async look(): Promise<boolean> {
    const { store, calls, host, me, session, closed, liveness, replica, housekeeping, onLook } = this.#deps
    if (closed.aborted) return false
    const asked = mark(host)
    let view: MembersView
    let takeIn: (() => void) | undefined
    try {
      view = await this.#read()
      takeIn = await this.#deps.beside?.read(calls)
    } catch {
      // The calls have said and counted it.
      if (closed.aborted) return false
      liveness.interrupted()
      onLook({ broken: true })
      return false
    }
    const unbroken = liveness.observe(view, asked, mark(host))
    this.#see(view, asked, takeIn)
    await replica.refresh(view, me, id => calls.make(() => store.claims(id)))
    if (closed.aborted) return false
    onLook({ broken: !unbroken })
    if (!session?.joined) return false
    return housekeeping.do(view, liveness.overdue(view, session.id), session.id, asked)
  }

  async #read(): Promise<MembersView> {
    const { store, calls, knowledge, freshMs } = this.#deps
    const heartbeats = await calls.make(() => store.heartbeats())
    this.#count('heartbeats', heartbeats.broken)
    const last = knowledge.view?.record
    const same =
      last?.epoch === heartbeats.epoch && last.storeId === heartbeats.storeId && last.frozen === heartbeats.frozen
    const record = same ? last : await calls.make(() => store.entries())
    this.#count('entries', record.broken)
    return new MembersView(record, heartbeats, freshMs)
  }

  #see(view: MembersView, asked: Mark, takeIn: (() => void) | undefined): void {
    const { host, session, knowledge, onEpoch, onDoubt } = this.#deps
    const before = knowledge.epoch
    const { epoch, record } = view
    if (record !== knowledge.view?.record) host.log.info('epoch', { epoch, cause: record.cause })
    knowledge.see(view, asked)
    takeIn?.()
    this.#count('beside', this.#deps.beside?.broken ?? 0)
    session?.see(epoch)
    if (session?.joined) {
      const mine = view.member(session.id)
      if (mine && mine.incarnation > session.incarnation) session.supersede()
      // This look may be older than the join: what a heartbeat answers decides.
      else if (mine?.incarnation !== session.incarnation || mine.state === 'down') onDoubt()
    }
    if (knowledge.epoch > before) onEpoch()
  }

  #count(of: 'entries' | 'heartbeats' | 'beside', broken: number): void {
    this.#broken.count += Math.max(0, broken - this.#broken[of])
    this.#broken[of] = broken
  }
}
