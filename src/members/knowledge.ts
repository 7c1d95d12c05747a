/** Whether this process knows who owns what: not knowing is the third answer, and drops nothing. */
import type { Host } from '../contracts/host.ts'
import type { Epoch } from '../contracts/ownership.ts'
import { elapsed, type Mark, mark } from './clock.ts'
import type { Session } from './session.ts'
import type { MembersView } from './view.ts'

export interface KnowledgeOptions {
  /** Until this many members were up at once, nobody claims: the first one up must not load the world. */
  readonly minMembers: number
  /** The longest that `minMembers` is waited for after the start, ms. */
  readonly startGraceMs: number
  /** A view that is as old as this is no view; and the longest wait for the others after the store changed, ms. */
  readonly expireAfterMs: number
}

export class Knowledge {
  readonly #options: KnowledgeOptions
  readonly #host: Host
  readonly #started: Mark
  #view: MembersView | undefined
  /** Before the last read that succeeded. */
  #asked: Mark | undefined
  #epoch: Epoch = 0
  #enough = false
  /**
   * Who was up and has no record any more, until they are back: nobody goes from up to forgotten, so the store was emptied, or
   * is an older one, and whoever comes back first must not load the world.
   */
  #missed: { readonly ids: ReadonlySet<string>; readonly since: Mark } | undefined

  constructor(options: KnowledgeOptions, host: Host) {
    this.#options = options
    this.#host = host
    this.#started = mark(host)
  }

  get view(): MembersView | undefined {
    return this.#view
  }

  /** The largest that any view had: a store that lost its own must not take it back. */
  get epoch(): Epoch {
    return this.#epoch
  }

  /** ms since the last look began; Infinity before the first. */
  get sinceRead(): number {
    return this.#asked ? elapsed(this.#asked, mark(this.#host)) : Number.POSITIVE_INFINITY
  }

  /** ms since the start. */
  get age(): number {
    return elapsed(this.#started, mark(this.#host))
  }

  /** Takes in a view that was asked for at `asked`. */
  see(view: MembersView, asked: Mark): void {
    const gone = [...(this.#view?.live ?? [])].filter(id => !view.record.members.has(id))
    if (gone.length > 0) {
      const ids = new Set([...(this.#missing ?? []), ...gone])
      this.#missed = { ids, since: mark(this.#host) }
    }
    if (this.#missed && [...this.#missed.ids].every(id => view.record.members.has(id))) this.#missed = undefined
    if (view.live.size >= this.#options.minMembers) this.#enough = true
    this.#view = view
    this.#asked = asked
    this.#epoch = Math.max(this.#epoch, view.epoch)
  }

  /** Why it cannot be known now who owns what; undefined where it is known. `session` is undefined for an observer. */
  gap(session: Session | undefined): string | undefined {
    const { minMembers, startGraceMs, expireAfterMs } = this.#options
    const view = this.#view
    if (session?.superseded) return 'a newer process has the id of this member'
    if (!view) return 'the member store could not be read yet'
    const old = this.sinceRead
    if (old >= expireAfterMs)
      return `the member store was read ${Math.round(old)} ms ago: must be < ${expireAfterMs} ms`
    if (view.epoch < this.#epoch) return 'the member store has lost its members, and they have not come back'
    if (!session) return undefined
    // Nothing is begun in an epoch that is known to be over.
    if (view.epoch < session.seen) return 'the members have changed, and could not be read since'
    const mine = view.member(session.id)
    if (!session.joined || mine?.incarnation !== session.incarnation || mine.state === 'down') {
      return 'this process is not a member now'
    }
    if (!this.#enough && this.age < startGraceMs) {
      return `minMembers: must be ${minMembers}: current value is ${view.live.size}`
    }
    const missing = this.#missing
    return missing && `the member store has lost its members: ${missing.join(', ')} must come back`
  }

  /** Who is waited for; undefined where nobody is, or the wait is over. */
  get #missing(): readonly string[] | undefined {
    if (!this.#missed || elapsed(this.#missed.since, mark(this.#host)) >= this.#options.expireAfterMs) return undefined
    return [...this.#missed.ids].filter(id => !this.#view?.record.members.has(id))
  }
}
