/**
 * Who is silent, and for how long: judged by change alone, on clocks of this process. A heartbeat that stays the same while
 * this process looks, without a break, is silence; whatever happened while it did not look is not.
 */
import { elapsed, type Mark } from './clock.ts'
import type { Heartbeat } from './contract.ts'
import type { MembersView } from './view.ts'

/** Heartbeats that may pass between two reads before they count as interrupted. */
export const MISSED_BEATS = 2.5

export interface LivenessTimes {
  readonly heartbeatMs: number
  readonly expireAfterMs: number
  /** Down for this long: the member loses its place. */
  readonly graceMs: number
  /** Down and without a place for this long: the member is removed. */
  readonly forgetAfterMs: number
}

export interface Silent {
  readonly id: string
  readonly seen: { readonly incarnation: number; readonly sequence: number }
}

/** What may be done about members that are gone. */
export interface Overdue {
  readonly expire: readonly Silent[]
  readonly evict: readonly { readonly id: string; readonly changed: number }[]
  readonly forget: readonly { readonly id: string; readonly changed: number }[]
}

interface Observed<T> {
  readonly value: T
  readonly since: Mark
}

export class Liveness {
  readonly #times: LivenessTimes
  readonly #heartbeats = new Map<string, Observed<Heartbeat>>()
  readonly #down = new Map<string, Observed<number>>()
  /** Successful reads since the last interruption. */
  #reads = 0
  #last: Mark | undefined
  /** Before the last read. */
  #asked: Mark | undefined

  constructor(times: LivenessTimes) {
    this.#times = times
  }

  /** A read failed: what was observed before it says nothing about silence. */
  interrupted(): void {
    this.#reads = 0
  }

  /**
   * Takes in what was read. `asked` is before the read and `read` after it: a silence begins at the latest and ends at
   * the earliest instant that is possible.
   * @returns false where this process had not looked for too long: observations begin anew
   */
  observe(view: MembersView, asked: Mark, read: Mark): boolean {
    const gap = this.#last ? elapsed(this.#last, read) : 0
    const unbroken = this.#reads > 0 && gap <= MISSED_BEATS * this.#times.heartbeatMs
    this.#reads = unbroken ? this.#reads + 1 : 1
    this.#last = read
    for (const id of this.#heartbeats.keys()) if (!view.heartbeats.heartbeats.has(id)) this.#heartbeats.delete(id)
    for (const [id, heartbeat] of view.heartbeats.heartbeats) {
      const before = this.#heartbeats.get(id)
      // The first read after an interruption may show what was written before it; the second begins the count.
      if (this.#reads > 2 && before && same(before.value, heartbeat)) continue
      this.#heartbeats.set(id, { value: heartbeat, since: read })
    }
    for (const id of this.#down.keys()) if (view.member(id)?.state !== 'down') this.#down.delete(id)
    for (const { id, state, changed } of view.record.members.values()) {
      if (state === 'down' && this.#down.get(id)?.value !== changed) this.#down.set(id, { value: changed, since: read })
    }
    this.#asked = asked
    return unbroken
  }

  /** What is due by the last read; never about `me`. */
  overdue(view: MembersView, me: string): Overdue {
    const now = this.#asked
    if (!now) return { expire: [], evict: [], forget: [] }
    const { expireAfterMs, graceMs, forgetAfterMs } = this.#times
    const silent = (id: string) => {
      const heartbeat = id === me ? undefined : this.#heartbeats.get(id)
      return heartbeat && elapsed(heartbeat.since, now) >= expireAfterMs ? [{ id, seen: heartbeat.value }] : []
    }
    const down = (ms: number, placed: boolean) =>
      [...this.#down].flatMap(([id, { value: changed, since }]) =>
        id !== me && elapsed(since, now) >= ms && view.member(id)?.placed === placed ? [{ id, changed }] : [],
      )
    return {
      expire: view.frozen ? [] : [...view.live].flatMap(silent),
      evict: view.frozen ? [] : down(graceMs, true),
      forget: down(forgetAfterMs, false),
    }
  }
}

function same(a: Heartbeat, b: Heartbeat): boolean {
  return a.incarnation === b.incarnation && a.sequence === b.sequence
}
