/** What is done about members that are gone. Each step is the store's: it is done only if nothing has changed since. */
import { codeOf, rawMessageOf } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'
import type { StoreCalls } from './calls.ts'
import { elapsed, type Mark, mark } from './clock.ts'
import type { MemberStore } from './contract.ts'
import { type LivenessTimes, MISSED_BEATS, type Overdue, type Silent } from './liveness.ts'
import type { MembersView } from './view.ts'

export class Housekeeping {
  readonly #store: MemberStore
  readonly #calls: StoreCalls
  readonly #host: Host
  readonly #times: LivenessTimes
  #refused = 0
  /** When each was refused, and counted. */
  readonly #refusals = new Map<string, Mark>()
  #said: Mark | undefined

  constructor(store: MemberStore, calls: StoreCalls, host: Host, times: LivenessTimes) {
    this.#store = store
    this.#calls = calls
    this.#host = host
    this.#times = times
  }

  /** Silent members that were not set down because too many were silent at once; each at most once per `expireAfter`. */
  get refused(): number {
    return this.#refused
  }

  /**
   * Does what is due by a look that began at `asked`. Never rejects.
   * @returns whether anything was changed
   */
  async do(view: MembersView, { expire, evict, forget }: Overdue, me: string, asked: Mark): Promise<boolean> {
    const tooLate = () => elapsed(asked, mark(this.#host)) > MISSED_BEATS * this.#times.heartbeatMs
    let changed = false
    try {
      changed = await this.#expire(view, expire, me, tooLate)
      for (const { id, changed: at } of evict) {
        if (tooLate()) return changed
        if (await this.#calls.make(() => this.#store.evict(id, at))) changed = this.#say('lost its place', id)
      }
      for (const { id, changed: at } of forget) {
        if (tooLate()) return changed
        if (await this.#calls.make(() => this.#store.forget(id, at))) changed = this.#say('forgotten', id)
      }
    } catch (error) {
      this.#host.log.warn('could not tell the member store of members that are gone', {
        code: codeOf(error),
        error: rawMessageOf(error),
      })
    }
    return changed
  }

  async #expire(view: MembersView, silent: readonly Silent[], me: string, tooLate: () => boolean): Promise<boolean> {
    const { expireAfterMs } = this.#times
    const limit = { max: Math.max(1, Math.floor(view.live.size / 4)), windowMs: expireAfterMs }
    let changed = false
    for (const [i, { id, seen }] of silent.entries()) {
      // A pause in between: what was silence before it need not be now.
      if (tooLate()) return changed
      const answer = await this.#calls.make(() => this.#store.expire(id, seen, limit, me))
      if (answer === 'expired') changed = this.#say('silent, set down', id)
      if (answer !== 'refused') continue
      this.#refuse(silent.slice(i).map(member => member.id))
      return changed
    }
    return changed
  }

  #refuse(members: readonly string[]): void {
    const now = mark(this.#host)
    const old = (at: Mark | undefined) => !at || elapsed(at, now) >= this.#times.expireAfterMs
    for (const [id, at] of this.#refusals) if (old(at)) this.#refusals.delete(id)
    for (const id of members) {
      if (this.#refusals.has(id)) continue
      this.#refusals.set(id, now)
      this.#refused++
    }
    if (!old(this.#said)) return
    this.#said = now
    this.#host.log.warn('too many members are silent at once: it may be this network, they are not set down', {
      members,
    })
  }

  #say(what: string, member: string): true {
    this.#host.log.warn(`member ${what}`, { member })
    return true
  }
}
