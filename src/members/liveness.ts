/**
 * Who is silent, and for how long: judged by change alone, on clocks of this process. A heartbeat that stays the same while this
 * process polls without a break is silence; whatever happened while it did not poll is not. What follows for members that are gone
 * is a step of the store, which is done only if nothing has changed since.
 */
import { elapsed, type Mark, mark } from '../async/clock.ts'
import { codeOf, rawMessageOf } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'
import type { StoreCalls } from './calls.ts'
import type { ExpireReply, Heartbeat, MemberStore } from './contract.ts'
import { changeEpoch } from './epoch-spans.ts'
import type { MembersView } from './view.ts'

/** Heartbeats that may pass between two polls before they count as interrupted. */
export const MISSED_BEATS = 2.5

export interface LivenessTimes {
  readonly heartbeatMs: number
  /** A view that is as old as this is no view; and the longest wait for members that an emptied store has lost, ms. */
  readonly expireAfterMs: number
  /** Unhealthy for this long: the member is evicted. */
  readonly graceMs: number
  /** Unhealthy and evicted for this long: the member is removed. */
  readonly forgetAfterMs: number
}

interface Observed<T> {
  readonly value: T
  readonly since: Mark
}

export class Liveness {
  readonly #options: LivenessTimes & { readonly store: MemberStore }
  readonly #parts: { readonly host: Host; readonly calls: StoreCalls }
  readonly #heartbeats = new Map<string, Observed<Heartbeat>>()
  /** By member that is down: the epoch of its last change. */
  readonly #down = new Map<string, Observed<number>>()
  /** Polls that succeeded since the last interruption. */
  #reads = 0
  #last: Mark | undefined
  /** Before the last poll. */
  #asked: Mark | undefined
  #refused = 0
  /** When each was counted. */
  readonly #refusals = new Map<string, Mark>()

  constructor(options: LivenessTimes & { store: MemberStore }, parts: { host: Host; calls: StoreCalls }) {
    this.#options = options
    this.#parts = parts
  }

  /** Silent members that were not marked unhealthy because too many were silent at once; each at most once per `expireAfter`. */
  get refused(): number {
    return this.#refused
  }

  /** A poll failed: what was observed before it says nothing about silence. */
  interrupted(): void {
    this.#reads = 0
  }

  /**
   * Takes in what was read. `asked` is before the read and `read` after it: a silence begins at the latest and ends at
   * the earliest instant that is possible.
   * @returns false where this process had not polled for too long: observations begin anew
   */
  observe(view: MembersView, asked: Mark, read: Mark): boolean {
    const unbroken = this.#reads > 0 && this.#last !== undefined && !this.#interrupts(this.#last, read)
    this.#reads = unbroken ? this.#reads + 1 : 1
    this.#last = read
    this.#asked = asked
    for (const id of this.#heartbeats.keys()) if (!view.heartbeats.heartbeats.has(id)) this.#heartbeats.delete(id)
    for (const [id, heartbeat] of view.heartbeats.heartbeats) {
      const before = this.#heartbeats.get(id)
      // The first read after an interruption may show what was written before it; the second begins the count.
      if (this.#reads > 2 && before && same(before.value, heartbeat)) continue
      this.#heartbeats.set(id, { value: heartbeat, since: read })
    }
    for (const id of this.#down.keys()) if (view.member(id)?.state !== 'down') this.#down.delete(id)
    for (const { id, state, changed } of view.entries.members.values()) {
      if (state === 'down' && this.#down.get(id)?.value !== changed) this.#down.set(id, { value: changed, since: read })
    }
    return unbroken
  }

  /** Members that are up and were silent for `expireAfter` by the last poll, with the heartbeat that was seen; never `me`. */
  silent(view: MembersView, me: string): readonly { readonly id: string; readonly seen: Heartbeat }[] {
    return [...view.live].flatMap(id => {
      const heartbeat = this.#heartbeats.get(id)
      return heartbeat && id !== me && this.#isOver(heartbeat.since, this.#options.expireAfterMs)
        ? [{ id, seen: heartbeat.value }]
        : []
    })
  }

  /**
   * Marks silent members unhealthy, evicts those that were down for the grace, and forgets those that are to be forgotten. Never
   * rejects.
   * @returns whether anything was changed
   */
  async act(view: MembersView, me: string): Promise<boolean> {
    const { store, expireAfterMs, graceMs, forgetAfterMs } = this.#options
    const { host, calls } = this.#parts
    const limit = { max: Math.max(1, Math.floor(view.live.size / 4)), windowMs: expireAfterMs }
    const down = [...this.#down].filter(([id]) => id !== me)
    const refused: string[] = []
    let changed = false
    const step = async (what: string, member: string, write: () => Promise<boolean>) => {
      // After a pause: what was silence before it need not be now.
      if (this.#asked && this.#interrupts(this.#asked, mark(host))) return
      if (!(await calls.make(write))) return
      changed = true
      host.log.warn(`member ${what}`, { member })
    }
    try {
      for (const { id, seen } of view.frozen ? [] : this.silent(view, me)) {
        if (refused.length > 0) refused.push(id)
        else
          await step('silent, marked unhealthy', id, async () => {
            const cause = `${id} down: no heartbeat seen by ${me}`
            const answer = await this.#change(cause, id, me, trace => store.expire(id, seen, limit, me, trace))
            if (answer === 'refused') refused.push(id)
            return answer === 'expired'
          })
      }
      if (refused.length > 0) this.#refuse(refused)
      for (const [id, { value, since }] of down) {
        const { placed } = view.member(id) ?? {}
        if (placed === true && !view.frozen && this.#isOver(since, graceMs)) {
          await step('evicted: its grace is over', id, () => {
            return this.#change(`${id} evicted: its grace is over`, id, me, trace => store.evict(id, value, trace))
          })
        }
        if (placed === false && this.#isOver(since, forgetAfterMs)) {
          await step('forgotten', id, () => {
            return this.#change(`${id} forgotten`, id, me, () => store.forget(id, value))
          })
        }
      }
    } catch (error) {
      const fields = { code: codeOf(error), error: rawMessageOf(error) }
      host.log.warn('the member store could not be told of members that are gone', fields)
    }
    return changed
  }

  #change<T extends boolean | ExpireReply>(
    cause: string,
    member: string,
    by: string,
    step: (trace: string | undefined) => Promise<T>,
  ): Promise<T> {
    const { host } = this.#parts
    const now = () => host.now()
    return changeEpoch({ cause, member, by, at: now() }, step, done => done === true || done === 'expired', now)
  }

  /** Logged for the first of them: it is one outage, whoever is found silent later. */
  #refuse(members: readonly string[]): void {
    const { host } = this.#parts
    const now = mark(host)
    for (const [id, at] of this.#refusals) {
      if (elapsed(at, now) >= this.#options.expireAfterMs) this.#refusals.delete(id)
    }
    if (this.#refusals.size === 0) {
      host.log.warn('too many members are silent at once: it may be this network, they are not marked unhealthy', {
        members,
      })
    }
    for (const id of members.filter(member => !this.#refusals.has(member))) {
      this.#refusals.set(id, now)
      this.#refused++
    }
  }

  /** From `since` to the last poll it was so long. */
  #isOver(since: Mark, ms: number): boolean {
    return this.#asked !== undefined && elapsed(since, this.#asked) >= ms
  }

  #interrupts(from: Mark, to: Mark): boolean {
    return elapsed(from, to) > MISSED_BEATS * this.#options.heartbeatMs
  }
}

function same(a: Heartbeat, b: Heartbeat): boolean {
  return a.incarnation === b.incarnation && a.sequence === b.sequence
}
